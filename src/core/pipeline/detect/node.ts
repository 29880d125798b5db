import * as path from 'node:path';
import type { CiFacts } from './ci-files';
import { dangerOf, withScripts } from './danger';
import { healthPathIn, serverAt } from './port';
import { type Found, type FoundServer, type FoundStep, ProjectFolder } from './project';

interface Manifest {
  readonly name: string;
  readonly main: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly packageManager: string;
  readonly workspaces: boolean;
}

interface Manager {
  readonly name: 'npm' | 'pnpm' | 'yarn' | 'bun';
  readonly install: string;
  readonly lock?: string | undefined;
  /** The path to the folder of the lock file: empty for this folder, else `../` and so on. */
  readonly up: string;
}

interface Framework {
  /** The package that shows that the framework is used. */
  readonly package: string;
  /** The file without which the package is only a tool. */
  readonly file?: string;
  /** Scripts that only start the framework: the command below is better. */
  readonly starts: RegExp;
  readonly command: string;
  readonly isStatic?: true;
  /** The sources that choose the port, for a framework that leaves this to the program. */
  readonly entry?: readonly string[];
}

const host = '127.0.0.1';
const everything = ['**'];

/** Returns the command that serves the files of a folder. */
export function staticServer(folder: string): string {
  return `python3 -m http.server "$PORT" --bind ${host} --directory ${folder}`;
}

/** The first framework that a project depends on counts. */
const frameworks: readonly Framework[] = [
  { package: 'next', starts: /\bnext\b/, command: `next start --hostname ${host} --port $PORT` },
  { package: 'nuxt', starts: /\bnuxt|\.output/, command: 'node .output/server/index.mjs' },
  {
    package: '@nestjs/core',
    starts: /\bnest start|dist\/(src\/)?main/,
    command: 'node dist/main.js',
    entry: ['src/main.ts', 'src/main.js'],
  },
  { package: '@remix-run/serve', starts: /remix/, command: 'remix-serve ./build/server/index.js' },
  { package: '@react-router/serve', starts: /react-router/, command: 'react-router-serve ./build/server/index.js' },
  { package: '@sveltejs/adapter-node', starts: /vite|svelte|node build/, command: `HOST=${host} node build` },
  { package: '@astrojs/node', starts: /astro/, command: `HOST=${host} node dist/server/entry.mjs` },
  { package: 'astro', starts: /astro/, command: `astro preview --host ${host} --port $PORT`, isStatic: true },
  { package: 'gatsby', starts: /gatsby/, command: `gatsby serve --host ${host} --port $PORT`, isStatic: true },
  { package: '@docusaurus/core', starts: /docusaurus/, command: `docusaurus serve --host ${host} --port $PORT --no-open`, isStatic: true },
  { package: 'vitepress', starts: /vitepress/, command: 'vitepress preview --port $PORT', isStatic: true },
  { package: 'react-scripts', starts: /react-scripts/, command: staticServer('build'), isStatic: true },
  { package: '@vue/cli-service', starts: /vue-cli-service/, command: staticServer('dist'), isStatic: true },
  { package: '@11ty/eleventy', starts: /eleventy/, command: staticServer('_site'), isStatic: true },
  { package: 'parcel', file: 'index.html', starts: /parcel/, command: staticServer('dist'), isStatic: true },
  { package: '@angular/core', file: 'angular.json', starts: /\bng\b/, command: '', isStatic: true },
  { package: '@sveltejs/kit', starts: /vite|svelte/, command: `vite preview --host ${host} --port $PORT --strictPort`, isStatic: true },
  { package: 'vite', file: 'index.html', starts: /vite/, command: `vite preview --host ${host} --port $PORT --strictPort`, isStatic: true },
  { package: 'fastify-cli', starts: /fastify start/, command: '' },
];

/** The commands that build, and the folders that they write. */
const builders: readonly (readonly [command: RegExp, outputs: (project: ProjectFolder, command: string) => string | undefined])[] = [
  [/--out(?:dir|Dir|-dir)[= ]/, (_, command) => /--out(?:dir|Dir|-dir)[= ]([^\s]+)/.exec(command)?.[1]],
  [/^nest build\b/, (project) => outDir(project, 'tsconfig.build.json', 'tsconfig.json') ?? 'dist'],
  [/^next build\b/, () => '.next'],
  [/^nuxt (build|generate)\b/, () => '.output'],
  [/^(remix vite:build|react-router build)\b/, () => 'build'],
  [/^(react-scripts|docusaurus) build\b/, () => 'build'],
  [/^gatsby build\b/, () => 'public'],
  [/^eleventy\b/, () => '_site'],
  [/^vitepress build$/, () => '.vitepress/dist'],
  [/^(vite build|ng build|parcel build|astro build|vue-cli-service build)\b/, (project) => viteFolder(project) ?? 'dist'],
  [/^(vue-)?tsc\b(?!.*--noEmit)/, (project) => (emitsNothing(project) ? '' : outDir(project, 'tsconfig.build.json', 'tsconfig.json'))],
  [/^((vue-)?tsc\b.*--noEmit|svelte-check|astro check|eslint|prettier --check|rimraf|del-cli|npm-run-all type-check)\b/, () => ''],
];

/** Detects npm, pnpm, yarn and bun: an install step if there are dependencies, the common scripts, and those that a CI file runs. */
export function detectNode(project: ProjectFolder, facts: CiFacts): Found | undefined {
  const manifest = project.has('package.json') ? manifestOf(project.text('package.json')) : undefined;
  if (!manifest) return undefined;
  const manager = managerOf(project, manifest);
  const install = installStep(project, manifest, manager);
  const after = install ? ['install'] : [];
  const questions: string[] = [];
  const script = (name: string, ...choice: string[]): FoundStep[] => {
    const found = choice.find((one) => isRunnable(manifest.scripts[one]));
    if (found === undefined) return [];
    const danger = dangerOf(scriptText(project, manifest, found));
    if (danger === undefined) return [{ name, needs: after, run: runScript(manager, found), inputs: everything }];
    questions.push(`the script ${found} ${danger}, so no step runs it. Which part of it belongs into a delivery?`);
    return [];
  };
  const siblings = buildOfSiblings(project, manifest, manager);
  const build = script('build', 'build', 'compile').map((step) => withOutputs(step, project, manifest));
  const builds = siblings && build.length > 0 ? build.map(({ name, run }) => ({ name, run, needs: ['dependencies'] })) : build;
  const last = builds.length > 0 ? ['build'] : siblings ? ['dependencies'] : after;
  // CI makes test runners run once instead of watching files.
  const tests = script('test', 'test', 'test:unit').map((step) => ({ ...step, needs: last, env: { CI: 'true' } }));
  const lint = script('lint', 'lint');
  const types = script('types', 'types', 'typecheck', 'type-check');
  const usual = [
    ...(install ? [install] : []),
    ...(siblings ? [{ ...siblings, needs: after }] : []),
    ...lint,
    ...types,
    ...builds,
    ...tests,
  ];
  const steps = [...usual, ...scriptsOfCi(facts, manifest).flatMap((name) => script(name.replace(/:/g, '-'), name)).filter(({ run }) => usual.every((step) => step.run !== run))]; // prettier-ignore
  const server = serverOf(project, manifest, manager);
  const entry = /^(?:\w+=\$PORT )?node\s+([\w./-]+\.[cm]?js)\s*$/.exec(server?.start ?? '')?.[1];
  const check = {
    name: 'check',
    run: `node --check ${entry}`,
    comment: 'there is no build and no test yet: add them here',
    inputs: everything,
  };
  const needsCheck = steps.length === 0 && entry !== undefined && project.has(entry);
  return { label: manager.name, prefix: 'node', steps: needsCheck ? [check] : steps, server, questions };
}

export function manifestOf(text: string): Manifest | undefined {
  try {
    const content = JSON.parse(text) as Record<string, unknown>;
    const sections = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'].map((key) => strings(content[key]));
    const plain = (key: string): string => (typeof content[key] === 'string' ? content[key] : '');
    return {
      name: plain('name'),
      main: plain('main'),
      scripts: strings(content['scripts']),
      dependencies: Object.assign({}, ...sections) as Record<string, string>,
      packageManager: plain('packageManager'),
      workspaces: content['workspaces'] !== undefined,
    };
  } catch {
    return undefined;
  }
}

function strings(value: unknown): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value as Record<string, unknown>) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Returns true for a script that runs and ends. */
function isRunnable(script: string | undefined): boolean {
  if (script === undefined || script.trim() === '') return false;
  return !/no test specified/.test(script) && !/(^|\s)(--watch(All)?|-w|nodemon)(\s|$)/.test(script);
}

/** Returns the text of a script, its hooks and the scripts that it runs. */
function scriptText(project: ProjectFolder, { scripts }: Manifest, first: string): string {
  const found = new Map<string, string>();
  const open = [first];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const each of [`pre${name}`, name, `post${name}`]) {
      const text = found.has(each) ? undefined : scripts[each];
      if (text === undefined) continue;
      found.set(each, withScripts(text, project));
      // Runners such as npm-run-all take names and patterns.
      const words = text.split(/[\s"'&|;]+/);
      open.push(
        ...Object.keys(scripts).filter((other) =>
          words.some(
            (word) =>
              word === other || word === `npm:${other}` || (word.includes('*') && other.startsWith(word.replace(/^npm:|\*.*$/g, ''))),
          ),
        ),
      );
    }
  }
  return [...found.values()].join('\n');
}

const checking = /^(lint|test|check|types?|typecheck|format|fmt|unit|verify|validate|coverage|prettier|eslint|stylelint)([:_-]|$)/;

/** Returns the scripts with a checking name that a CI file runs. */
function scriptsOfCi(facts: CiFacts, { scripts }: Manifest): string[] {
  const names = facts.commands.flatMap(({ text }) => /^(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?([\w:.-]+)/.exec(text)?.[1] ?? []);
  return [...new Set(names)].filter(
    (name) => scripts[name] !== undefined && checking.test(name) && !/fix|watch|e2e|integration/.test(name),
  );
}

/** Returns the package manager of a package, or of the workspace that it belongs to. */
export function managerOf(project: ProjectFolder, manifest: Manifest): Manager {
  const locks = ['pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'bun.lockb', 'package-lock.json', 'npm-shrinkwrap.json'];
  const nearest = project.above(...locks) ?? '';
  // A lock file of an outer folder counts if that is a workspace.
  const isWorkspace =
    nearest === '' ||
    project.first(`${nearest}pnpm-workspace.yaml`, `${nearest}nx.json`) !== undefined ||
    manifestOf(project.text(`${nearest}package.json`))?.workspaces === true;
  const up = isWorkspace ? nearest : '';
  const lock = locks.find((file) => project.has(up + file));
  const wanted = /^(npm|pnpm|yarn|bun)@/.exec(manifest.packageManager)?.[1];
  const isBerry = project.has(`${up}.yarnrc.yml`) || /^yarn@[2-9]/.test(manifest.packageManager);
  if (lock === 'pnpm-lock.yaml') return { name: 'pnpm', install: 'pnpm install --frozen-lockfile', lock, up };
  if (lock === 'yarn.lock') return { name: 'yarn', install: `yarn install ${isBerry ? '--immutable' : '--frozen-lockfile'}`, lock, up };
  if (lock?.startsWith('bun.')) return { name: 'bun', install: 'bun install --frozen-lockfile', lock, up };
  if (lock !== undefined) return { name: 'npm', install: 'npm ci', lock, up };
  if (wanted === 'pnpm') return { name: 'pnpm', install: 'pnpm install --no-frozen-lockfile', up };
  if (wanted === 'yarn') return { name: 'yarn', install: 'yarn install', up };
  if (wanted === 'bun' || project.has('bunfig.toml')) return { name: 'bun', install: 'bun install', up };
  return { name: 'npm', install: 'npm install --no-package-lock', up };
}

function installStep(project: ProjectFolder, manifest: Manifest, manager: Manager): FoundStep | undefined {
  if (Object.keys(manifest.dependencies).length === 0 && !manifest.workspaces && manager.up === '') return undefined;
  const hooks = ['preinstall', 'install', 'postinstall', 'prepare'].filter((hook) => manifest.scripts[hook] !== undefined);
  const dangerous = hooks.find((hook) => dangerOf(scriptText(project, manifest, hook)) !== undefined);
  const install = dangerous === undefined ? manager.install : `${manager.install} --ignore-scripts`;
  const step = { name: 'install', run: manager.up === '' ? install : `cd ${manager.up.slice(0, -1)} && ${install}` };
  if (dangerous !== undefined)
    return { ...step, comment: `the script ${dangerous} ${dangerOf(scriptText(project, manifest, dangerous)) ?? ''}, so it is not run` };
  if (manager.lock === undefined) return { ...step, comment: 'without a lock file the newest versions are installed: commit one' };
  // An install that runs code of the project depends on more than the lock file.
  const linked = Object.values(manifest.dependencies).some((version) => /^(file|link|portal|workspace):/.test(version));
  if (hooks.length > 0 || linked || manifest.workspaces || manager.up !== '' || project.has('pnpm-workspace.yaml')) return step;
  const settings = ['.npmrc', '.yarnrc', '.yarnrc.yml', '.pnpmfile.cjs', 'bunfig.toml'].filter((file) => project.has(file));
  const plugAndPlay =
    manager.name === 'yarn' && project.has('.yarnrc.yml') && !/nodeLinker:\s*node-modules/.test(project.text('.yarnrc.yml'));
  if (plugAndPlay || project.has('patches') || project.has('prisma')) return step;
  return { ...step, inputs: ['package.json', manager.lock, ...settings], outputs: ['node_modules/**'] };
}

/** Returns a step that builds the packages of the workspace that this one depends on. */
function buildOfSiblings(project: ProjectFolder, manifest: Manifest, { name, up }: Manager): FoundStep | undefined {
  if (up === '') return undefined;
  const packages = new Map(
    workspaceManifests(project, up).flatMap((one) =>
      !/^[@\w][\w./-]*$/.test(one.name) || one.name === manifest.name ? [] : [[one.name, one] as const],
    ),
  );
  const ordered: string[] = [];
  const visit = (one: Manifest, depth: number): void => {
    for (const dependency of Object.keys(one.dependencies)) {
      const next = packages.get(dependency);
      if (!next || ordered.includes(dependency) || depth > 20) continue;
      visit(next, depth + 1);
      if (!ordered.includes(dependency)) ordered.push(dependency);
    }
  };
  visit(manifest, 0);
  const built = ordered.filter((one) => {
    const dependency = packages.get(one);
    return dependency && isRunnable(dependency.scripts['build']) && dangerOf(scriptText(project, dependency, 'build')) === undefined;
  });
  if (built.length === 0) return undefined;
  const commands = built.map((one) =>
    name === 'npm'
      ? `npm run build --workspace ${one}`
      : name === 'yarn'
        ? `yarn workspace ${one} run build`
        : `${name} --filter ${one} run build`,
  );
  return { name: 'dependencies', run: [`cd ${up.slice(0, -1)}`, ...commands].join(' && ') };
}

function workspaceManifests(project: ProjectFolder, up: string): Manifest[] {
  const files = new ProjectFolder(path.join(project.folder, up)).files;
  return files
    .filter((file) => /(^|\/)package\.json$/.test(file))
    .slice(0, 300)
    .flatMap((file) => manifestOf(project.text(up + file)) ?? []);
}

function runScript(manager: Manager, script: string): string {
  if (manager.name === 'npm' && (script === 'test' || script === 'start')) return `npm ${script}`;
  return `${manager.name} run ${script}`;
}

/** A build is cacheable only if its output folders are known. */
function withOutputs(step: FoundStep, project: ProjectFolder, manifest: Manifest): FoundStep {
  const name = isRunnable(manifest.scripts['build']) ? 'build' : 'compile';
  const hooked = manifest.scripts[`pre${name}`] !== undefined || manifest.scripts[`post${name}`] !== undefined;
  const folders = hooked ? undefined : outputsOf(manifest.scripts[name] ?? '', project, manifest);
  if (folders !== undefined && folders.length > 0) return { ...step, outputs: folders.map((folder) => `${folder}/**`) };
  return { name: step.name, run: step.run, needs: step.needs ?? [] };
}

function outputsOf(script: string, project: ProjectFolder, manifest: Manifest, depth = 0): string[] | undefined {
  if (/[;|]/.test(script) || depth > 3) return undefined;
  const parts = script.split(/&&/).map((part) => part.trim().replace(/^(?:cross-env\s+)?(?:[A-Z_]+=\S+\s+)*/, ''));
  const folders: string[] = [];
  for (const part of parts) {
    const called = /^(?:npm|pnpm|yarn|bun) run ([\w:-]+)$/.exec(part)?.[1];
    if (called !== undefined) {
      const inner = outputsOf(manifest.scripts[called] ?? '', project, manifest, depth + 1);
      if (!inner) return undefined;
      folders.push(...inner);
      continue;
    }
    const folder = builders.find(([command]) => command.test(part))?.[1](project, part)?.replace(/^\.\//, '').replace(/\/$/, ''); // prettier-ignore
    if (folder === undefined || !/^([\w.-][\w./-]*)?$/.test(folder) || folder.includes('..') || folder === '.') return undefined;
    if (folder !== '') folders.push(folder);
  }
  return [...new Set(folders)];
}

function outDir(project: ProjectFolder, ...configs: string[]): string | undefined {
  return configs.map((file) => /"outDir"\s*:\s*"([^"]+)"/.exec(project.text(file))?.[1]).find((folder) => folder !== undefined);
}

function viteFolder(project: ProjectFolder): string | undefined {
  const config = project.files.find((file) => /^(vite|astro)\.config\.[cm]?[jt]s$/.test(file));
  return config === undefined ? undefined : /outDir\s*:\s*["']([^"']+)/.exec(project.text(config))?.[1];
}

function emitsNothing(project: ProjectFolder): boolean {
  const configs = project.files.filter((file) => /^tsconfig[\w.-]*\.json$/.test(file) && !/"references"/.test(project.text(file)));
  return configs.length > 0 && configs.every((file) => /"noEmit"\s*:\s*true/.test(project.text(file)));
}

const program = /\.[cm]?[jt]sx?$|^bin\/www$/;
const usualEntries = ['server', 'app', 'index', 'main', 'src/server', 'src/app', 'src/index', 'src/main'];

function serverOf(project: ProjectFolder, manifest: Manifest, manager: Manager): FoundServer | undefined {
  const script = ['start:prod', 'start:production', 'start', 'serve'].find(
    (name) => isRunnable(manifest.scripts[name]) && dangerOf(scriptText(project, manifest, name)) === undefined,
  );
  const text = script === undefined ? '' : (manifest.scripts[script] ?? '').trim();
  const framework = frameworks.find(
    (one) => manifest.dependencies[one.package] !== undefined && (one.file === undefined || project.has(one.file)),
  );
  const sources = project.sources(program);
  if (framework && (text === '' || framework.starts.test(text))) {
    const start = framework.command || (framework.package === '@angular/core' ? angular(project) : `${text} --port $PORT`);
    if (start === undefined) return undefined;
    const served: FoundServer = { kind: 'process', start, ...(framework.isStatic && { isStatic: true }) };
    if (!framework.entry)
      return { ...served, health: framework.isStatic ? undefined : healthPathIn(sources.map((file) => project.text(file)).join('\n')) };
    const direct = /^node\s+[\w./-]+$/.test(text) ? text : start;
    return serverAt(project, direct, framework.entry);
  }
  const direct = /^(?:node|bun|tsx)\s+(?:run\s+)?(?:--env-file(?:-if-exists)?=\S+\s+)*((?:--?[\w-]+(?:=\S+)?\s+)*[\w./-]+)\s*$/.exec(text);
  const hooks = script !== undefined && (manifest.scripts[`pre${script}`] ?? manifest.scripts[`post${script}`]) !== undefined;
  const entry = entryOf(project, manifest);
  // A direct start lets the service itself receive the termination signal.
  const command =
    script === undefined
      ? entry && `${manager.name === 'bun' || /\.tsx?$/.test(entry) ? 'bun' : 'node'} ${entry}`
      : direct && !hooks
        ? text.replace(/--env-file(?:-if-exists)?=\S+\s+/g, '').replace(/\.\/bin\/www$/, 'bin/www')
        : runScript(manager, script);
  if (command === undefined) return undefined;
  if (/\$PORT|\$\{PORT/.test(text)) return { kind: 'process', start: command };
  const listens = project.matching(sources, /\.listen\(|\bserve\(|createServer\(|Bun\.serve|\.start\(|listen\s*\(/);
  const found = serverAt(project, command, sources);
  if (found.question === undefined) return found;
  // Bun.serve reads PORT unless the program names a port.
  if (project.matching(sources, /Bun\.serve\(|export default \{[\s\S]*?fetch/).length > 0 && !/listens on port/.test(found.question))
    return { ...found, question: undefined };
  return listens.length > 0 ? found : undefined;
}

/** Returns the program of a package without a start script, if it listens. */
function entryOf(project: ProjectFolder, manifest: Manifest): string | undefined {
  const usual = usualEntries.flatMap((name) => ['js', 'mjs', 'cjs', 'ts'].map((end) => `${name}.${end}`));
  const choice = [manifest.main.replace(/^\.\//, ''), 'bin/www', ...usual].filter((file) => /^\w[\w./-]*$/.test(file) && project.has(file));
  return choice.find(
    (file) =>
      /\.listen\(|createServer\(|Bun\.serve/.test(project.text(file)) && (!file.endsWith('.ts') || /Bun\./.test(project.text(file))),
  );
}

/** Angular writes to `dist/NAME/browser`, or to `dist/NAME` before version 17. */
function angular(project: ProjectFolder): string | undefined {
  const text = project.text('angular.json');
  const name = /"projects"\s*:\s*\{\s*"([^"]+)"/.exec(text)?.[1];
  const output = /"outputPath"\s*:\s*"([^"]+)"/.exec(text)?.[1] ?? (name === undefined ? undefined : `dist/${name}`);
  if (output === undefined || !/^[\w./@-]+$/.test(output)) return undefined;
  return staticServer(/:application"|application-builder/.test(text) ? `${output}/browser` : output);
}
