import { fail, ok, type Result } from '../../model/result';
import { type CiCommand, CiFacts, type LeftOver, readCiFiles, unusedCommands } from './ci-files';
import { detectDotnet, detectGo, detectGradle, detectMaven, detectRust } from './compiled';
import { dangerOf } from './danger';
import { containers, detectMake, procfileServer } from './general';
import { detectNode } from './node';
import { detectNx } from './nx';
import { choice, type Found, type FoundServer, type FoundStep, ProjectFolder } from './project';
import { detectPython } from './python';
import { detectDeno, detectPages, detectPhp, detectRuby } from './scripted';
import { readsEnvFile } from './env-file';
import { noServer, written } from './written';

export interface Detected {
  readonly yaml: string;
  /** A compose file that the environment needs and that does not exist yet. */
  readonly composeFile?: string;
  /** The tools and files that it was made from. */
  readonly found: readonly string[];
  /** The commands of its steps and of its environment. */
  readonly commands: readonly string[];
  /** Things that only a person knows. They are comments in the file. */
  readonly questions: readonly string[];
  /** The commands and parts of existing CI files that are not used. */
  readonly left: readonly LeftOver[];
}

/** The folder of a service, its repository, and the name of the service. */
export interface ServiceFolder {
  readonly folder: string;
  readonly root: string;
  readonly name: string;
}

/**
 * Writes a first `delivery.yaml` for a project: valid, and meant to pass unedited in a clean checkout. The steps come from the files of the
 * project. A CI file adds names, constants and reports, and no command. Fails if it finds no project.
 */
export async function detectPipeline({ folder, root, name }: ServiceFolder): Promise<Result<Detected>> {
  const project = new ProjectFolder(folder, root);
  const facts = readCiFiles(root);
  const { all, used } = findingsOf(project, facts);
  const setup = containers(project, name.toLowerCase());
  const chosen = chooseServer(project, used, setup);
  const composeFile = chosen?.kind === 'compose' ? setup?.composeFile : undefined;
  const steps = distinct(used).map((step) => withFacts(step, facts));
  const asked = used.flatMap((one) => one.questions ?? []);
  // A definition has at least one step, so that an environment alone is never a comment.
  const isAlone = steps.length === 0 && chosen?.question !== undefined;
  if (isAlone && chosen.question !== undefined) asked.push(chosen.question);
  const server = isAlone ? { ...chosen, question: undefined } : chosen;
  const isOutside = folder !== root;
  const left = unusedCommands(isOutside ? new CiFacts() : facts, (command) => steps.some((step) => isSame(step, command)));
  if (steps.length === 0 && !server) {
    const labels = all.map((one) => one.label).join(', ');
    const message = all.length > 0 ? `${labels} found, but nothing to build, test or start` : 'nothing to deliver was found';
    const commands = left.slice(0, 5).map((one) => `${one.file}:${one.line}: ${one.message.split('\n')[0]}`);
    const hint = commands.length === 0 ? '' : `deliver init runs no command of a CI file (${commands.join('; ')}); `;
    return fail('usage', `${message} in ${folder}`, {
      hint: `${hint}write a delivery.yaml with your own step: \`steps: {test: {run: ./test.sh}}\``,
    });
  }
  const envFile = server?.kind === 'process' ? await readsEnvFile(project) : undefined;
  const complete = server && { ...server, ...(envFile?.isPresent === true && { envFile: envFile.file }) };
  if (envFile?.isPresent === false)
    asked.push(
      `the program loads ${envFile.file}, which does not exist here. When it does, add \`envFile: ${envFile.file}\` to \`process\``,
    );
  const hasAlternative = setup?.composeFile === undefined && setup?.isForeign !== true && server?.kind === 'process';
  const versions = isOutside ? [] : facts.versions;
  const yaml = written({
    service: name,
    steps,
    server: complete,
    questions: asked,
    alternative: hasAlternative ? setup?.server : undefined,
    versions,
    left,
  });
  const unknown = server ? (server.question ?? []) : noServer;
  const container = chosen?.kind === 'compose' && used.length === 0 ? [composeFile === undefined ? chosen.start : 'Dockerfile'] : [];
  const starts = server?.question === undefined ? server : undefined;
  const environment = starts === undefined ? [] : [starts.kind === 'compose' ? 'docker compose up' : starts.start];
  const commands = [...steps.map(({ run }) => run), ...environment];
  const found = [...used.map((one) => one.label), ...container];
  return ok({ yaml, ...(composeFile !== undefined && { composeFile }), found, commands, questions: asked.concat(unknown), left });
}

/** Returns what each ecosystem finds, and the findings that count: the tools of a language are more specific than their wrappers. */
function findingsOf(project: ProjectFolder, facts: CiFacts): { all: readonly Found[]; used: readonly Found[] } {
  const languages = [
    detectNode,
    detectNx,
    detectDeno,
    detectGo,
    detectPython,
    detectRust,
    detectMaven,
    detectGradle,
    detectDotnet,
    detectRuby,
    detectPhp,
  ];
  const general = [detectMake, detectPages];
  const all = [...languages, ...general].flatMap((detect) => detect(project, facts) ?? []);
  const able = all.filter((one) => one.steps.length > 0 || one.server);
  const specific = able.filter((one) => !one.general);
  // Maven and Gradle build the same project, and so do Nx and the package manager.
  const labels = specific.map((one) => one.label);
  const built = specific.filter(
    (one) => !(one.label === 'Gradle' && labels.includes('Maven')) && !(one.prefix === 'node' && labels.includes('Nx')),
  );
  return { all, used: built.length > 0 ? built : able };
}

/** Returns the program of a folder that serves, without containers. */
export function serverOf({ folder, root }: Omit<ServiceFolder, 'name'>): FoundServer | undefined {
  const project = new ProjectFolder(folder, root);
  return chooseServer(project, findingsOf(project, new CiFacts()).used, undefined);
}

/** Returns true if a folder has a compose file that builds an image. */
export function buildsImages(folder: string): boolean {
  const setup = containers(new ProjectFolder(folder), '');
  return setup !== undefined && setup.composeFile === undefined && setup.isForeign !== true;
}

function chooseServer(project: ProjectFolder, used: readonly Found[], setup: ReturnType<typeof containers>): FoundServer | undefined {
  const written = procfileServer(project, used.find((one) => one.python !== undefined)?.python);
  // The Go program of a Procfile is in the PATH there.
  const isGoProgram = used.some(({ label }) => label === 'Go') && /^[\w-]+(\s|$)/.test(written?.start ?? '');
  const env = used.find((one) => one.server?.env !== undefined)?.server?.env;
  if (written) return { ...written, ...(env && { env }), ...(isGoProgram && { start: `./bin/${written.start}` }) };
  const servers = used.flatMap((one) => one.server ?? []);
  const programs = servers.filter((one) => !one.isStatic);
  const [first, ...others] = programs.length > 0 ? programs : servers;
  const sure = programs.filter((one) => one.question === undefined);
  const needsContainers = (sure.length === 0 && first?.isStatic !== true) || setup?.hasDependencies === true;
  if (setup && needsContainers && !(setup.isForeign === true && used.length > 0)) {
    // The program says on which port it listens, if the Dockerfile does not.
    const isPortKnown = setup.composeFile !== undefined && setup.server.question !== undefined && first?.port !== undefined;
    return isPortKnown ? { ...setup.server, port: first.port, question: undefined } : setup.server;
  }
  if (sure.length === 1) return sure[0];
  if (first === undefined || others.length === 0) return first;
  return { ...first, question: `which program serves: ${choice([first, ...others].map(({ start }) => `\`${start}\``))}?` };
}

/** Returns the steps of all ecosystems. Duplicate names get the ecosystem as a prefix. */
function distinct(found: readonly Found[]): FoundStep[] {
  const count = new Map<string, number>();
  for (const { name } of found.flatMap((one) => one.steps)) count.set(name, (count.get(name) ?? 0) + 1);
  return found.flatMap(({ prefix, steps }) => {
    const renamed = (name: string): string => ((count.get(name) ?? 0) > 1 ? `${prefix}-${name}` : name);
    return steps.map((step) => ({ ...step, name: renamed(step.name), needs: (step.needs ?? []).map(renamed) }));
  });
}

/** The kinds of steps that a CI file knows more about. */
const kinds = [/(^|-)test/, /(^|-)build$/, /(^|-)lint$/];
const words = [
  /\b(test|tests|pytest|spec|rspec|phpunit|verify|check|tox|jest|vitest|mocha)\b/,
  /\b(build|compile|package|assemble)\b/,
  /\blint\b/,
];

/** Adds the constants and reports that a CI file has for the same kind of command. */
function withFacts(step: FoundStep, facts: CiFacts): FoundStep {
  const kind = kinds.findIndex((one) => one.test(step.name));
  const word = words[kind];
  const same = facts.commands.find((command) => isSame(step, command)) ?? facts.commands.find(({ text }) => word?.test(text) === true && dangerOf(text) === undefined); // prettier-ignore
  if (!same || kind < 0) return step;
  const env = { ...same.env, ...step.env };
  const reports = kind === 0 ? [...new Set([...(step.reports ?? []), ...same.reports])] : [];
  return { ...step, ...(Object.keys(env).length > 0 && { env }), ...(reports.length > 0 && { reports }) };
}

function isSame(step: FoundStep, { text }: CiCommand): boolean {
  const plain = (command: string): string => command.replace(/\s+/g, ' ').replace(/^(npm|pnpm|yarn|bun) run (test|start)$/, '$1 $2').trim(); // prettier-ignore
  return plain(step.run) === plain(text) || plain(step.run).split(' && ').includes(plain(text));
}
