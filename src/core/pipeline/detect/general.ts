import { type CiFacts } from './ci-files';
import { dangerOf, withScripts } from './danger';
import type { Found, FoundServer, FoundStep, ProjectFolder } from './project';
import { YamlFile } from './yaml-file';

/** Detects make: targets with common names, and those that a CI file runs. */
export function detectMake(project: ProjectFolder, facts: CiFacts): Found | undefined {
  const file = project.first('GNUmakefile', 'makefile', 'Makefile');
  if (file === undefined) return undefined;
  const makefile = new Makefile(project, file);
  const questions: string[] = [];
  const usable = (name: string): boolean => {
    const danger = dangerOf(makefile.recipeOf(name));
    if (danger !== undefined)
      questions.push(`the target ${name} of the ${file} ${danger}, so no step runs it. Which part of it belongs into a delivery?`);
    return danger === undefined;
  };
  const step = (name: string, needs: readonly string[], ...targets: string[]): FoundStep[] => {
    const target = targets.find((one) => makefile.has(one));
    return target === undefined || !usable(target) ? [] : [{ name, run: `make ${target}`, needs }];
  };
  const build = step('build', [], 'build', 'all');
  const lint = step(
    'lint',
    build.map((one) => one.name),
    'lint',
  );
  const test = step('test', [...build, ...lint].slice(-1).map((one) => one.name), 'test', 'check', 'tests'); // prettier-ignore
  const named = facts.commands.flatMap(({ text }) => /^make\s+([\w-]+)$/.exec(text)?.[1] ?? []);
  const checks = [...new Set(named)].filter(
    (name) => /^(test|check|lint|verify|unit|format|fmt|vet|types?)([_-]|$)/.test(name) && makefile.has(name),
  );
  const usual = [...build, ...lint, ...test];
  const more = checks.filter((name) => usual.every(({ run }) => run !== `make ${name}`)).flatMap((name) => step(name, build.map((one) => one.name), name)); // prettier-ignore
  return { label: 'Make', prefix: 'make', steps: [...usual, ...more], questions, general: true };
}

class Makefile {
  private readonly targets = new Map<string, { needs: string[]; recipe: string[] }>();

  constructor(
    private readonly project: ProjectFolder,
    file: string,
  ) {
    const text = project.text(file).replace(/\\\n/g, ' ');
    const values = new Map(
      [...text.matchAll(/^(?:export\s+)?([\w.-]+)\s*[:?+]{0,2}=\s*(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
    );
    const expanded = (line: string): string => {
      let result = line;
      for (let depth = 0; depth < 5; depth++)
        result = result.replace(/\$[({]([\w.-]+)[)}]/g, (whole, name: string) => values.get(name) ?? whole);
      return result;
    };
    const shell = (line: string): string => expanded(line).replace(/\$\$/g, '$');
    let open: string[] = [];
    for (const line of text.split('\n')) {
      const rule = /^([^\s#:=][^:=#]*?)\s*::?(?!=)\s*([^;#=]*)(?:;(.*))?/.exec(line);
      if (rule && !line.startsWith('\t')) {
        open = expanded(rule[1] ?? '').split(/\s+/);
        for (const name of open) this.add(name, expanded(rule[2] ?? '').split(/\s+/), rule[3] === undefined ? [] : [shell(rule[3])]);
      } else if (line.startsWith('\t')) {
        // Make removes these marks before the shell gets the line.
        for (const name of open) this.add(name, [], [shell(line.replace(/^\t\s*[@+-]*/, ''))]);
      } else if (line.trim() !== '' && !line.startsWith('#')) open = [];
    }
  }

  has(name: string): boolean {
    return this.targets.has(name);
  }

  /** Returns the commands of a target and of everything that it needs. */
  recipeOf(first: string): string {
    const seen = new Set<string>();
    const open = [first];
    const lines: string[] = [];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const target = this.targets.get(name);
      if (!target || seen.has(name)) continue;
      seen.add(name);
      for (const line of target.recipe) {
        lines.push(withScripts(line, this.project));
        open.push(
          ...[...line.matchAll(/(?:\bmake|\$[({]MAKE[)}])\s+((?:[\w=-]+\s*)+)/g)].flatMap((match) => (match[1] ?? '').split(/\s+/)),
        );
      }
      open.push(...target.needs);
    }
    return lines.join('\n');
  }

  private add(name: string, needs: readonly string[], recipe: readonly string[]): void {
    const target = this.targets.get(name) ?? { needs: [], recipe: [] };
    target.needs.push(...needs);
    target.recipe.push(...recipe);
    this.targets.set(name, target);
  }
}

/** Returns the server of a Procfile. Its commands expect the installed programs in the PATH; `python` is how Python is called here. */
export function procfileServer(project: ProjectFolder, python: string | undefined): FoundServer | undefined {
  const web = /^web\s*:\s*(.+)$/m.exec(project.text('Procfile'))?.[1]?.trim();
  if (web === undefined || dangerOf(web) !== undefined) return undefined;
  const module = /^(gunicorn|uvicorn|flask|hypercorn|waitress-serve|daphne|streamlit)\s/.exec(web)?.[1];
  const name = module === 'waitress-serve' ? 'waitress' : module;
  const rest = module === undefined ? '' : web.slice(module.length);
  const local = rest.replace(/(^|[\s=])0\.0\.0\.0\b/g, '$1127.0.0.1');
  if (python !== undefined && name !== undefined) return { kind: 'process', start: `${python} -m ${name}${local}` };
  if (python !== undefined && /^python3?\s/.test(web)) return { kind: 'process', start: web.replace(/^python3?/, python) };
  return { kind: 'process', start: web };
}

export interface ContainerSetup {
  readonly server: FoundServer;
  /** True if the compose file also starts services that this one depends on. */
  readonly hasDependencies: boolean;
  /** True if the compose file builds nothing: it may only start what a project needs. */
  readonly isForeign?: boolean;
  /** A compose file to write, for a Dockerfile without one. */
  readonly composeFile?: string;
}

/** Returns the compose environment of a compose file that builds an image, or else of a Dockerfile. */
export function containers(project: ProjectFolder, service: string): ContainerSetup | undefined {
  const file = project.first('compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml');
  if (file !== undefined) return composeServer(project, file, service);
  const docker = project.first('Dockerfile', 'Containerfile');
  if (docker === undefined) return undefined;
  const text = project.text(docker);
  const ports = [...new Set([...text.matchAll(/^\s*EXPOSE\s+(\d+)/gim)].map((match) => match[1] ?? ''))];
  const build = docker === 'Dockerfile' ? '.' : `{context: ., dockerfile: ${docker}}`;
  const composeFile = `# Runs the image of the ${docker}.\nservices:\n  ${service}:\n    build: ${build}\n`;
  const question = ports.length === 1 ? undefined : `the ${docker} exposes ${ports.length === 0 ? 'no port' : ports.join(', ')}. On which port does the service listen? Name it as \`port\` in \`compose\``; // prettier-ignore
  return {
    server: { kind: 'compose', start: 'compose.yaml', ...(question !== undefined && { question }) },
    hasDependencies: false,
    composeFile,
  };
}

function composeServer(project: ProjectFolder, file: string, service: string): ContainerSetup | undefined {
  const yaml = new YamlFile(project.text(file));
  const services = yaml.entries(yaml.get(yaml.root, 'services'));
  const built = services.filter(({ value }) => yaml.get(value, 'build') !== undefined);
  const candidates = built.length > 0 ? built : services;
  const published = candidates.filter(({ value }) => yaml.get(value, 'ports') !== undefined);
  const [first] = published.length > 0 ? published : candidates;
  if (first === undefined) return undefined;
  const chosen = candidates.find(({ key }) => key === service) ?? first;
  const isClear = chosen.key === service || candidates.length === 1 || published.length === 1;
  const question = isClear ? undefined : `which service of ${file} is delivered: ${candidates.map(({ key }) => key).join(', ')}?`;
  const { key } = chosen;
  return {
    server: { kind: 'compose', start: file, service: key, ...(question !== undefined && { question }) },
    hasDependencies: built.length > 0 && services.length > built.length,
    isForeign: built.length === 0,
  };
}
