import { type Found, type FoundServer, type FoundStep, healthPathIn, type ProjectFolder } from './project';

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly packageManager: string;
  readonly workspaces: boolean;
}

interface PackageManager {
  readonly name: 'npm' | 'pnpm' | 'yarn';
  readonly install: string;
  readonly lock?: string | undefined;
}

const everything = ['**'];

/** Detects npm, pnpm and yarn: an install step if there are dependencies, and the common scripts. */
export function detectNode(project: ProjectFolder): Found | undefined {
  const manifest = project.has('package.json') ? manifestOf(project.text('package.json')) : undefined;
  if (!manifest) return undefined;
  const manager = managerOf(project, manifest);
  const install = installStep(project, manifest, manager);
  const after = install ? ['install'] : [];
  const script = (name: string, ...choice: string[]): FoundStep[] => {
    const found = choice.find((one) => isRunnable(manifest.scripts[one]));
    return found === undefined ? [] : [{ name, needs: after, run: runScript(manager, found), inputs: everything }];
  };
  const build = script('build', 'build', 'compile').map((step) => withOutputs(step, project, manifest));
  const tests = script('test', 'test', 'test:unit').map((step) => ({
    ...step,
    needs: build.length > 0 ? ['build'] : after,
    // CI makes test runners run once instead of watching files.
    env: { CI: 'true' },
  }));
  const steps = [
    ...(install ? [install] : []),
    ...script('lint', 'lint'),
    ...script('types', 'types', 'typecheck', 'type-check'),
    ...build,
    ...tests,
  ];
  const server = serverOf(project, manifest, manager);
  if (steps.length > 0 || server === undefined) return { label: manager.name, prefix: 'node', steps, server };
  return { label: manager.name, prefix: 'node', steps: [syntaxCheck(manifest)], server };
}

function manifestOf(text: string): Manifest | undefined {
  try {
    const content = JSON.parse(text.replace(/^\uFEFF/, '')) as Record<string, unknown>;
    const sections = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'].map((key) => strings(content[key]));
    return {
      scripts: strings(content['scripts']),
      dependencies: Object.assign({}, ...sections) as Record<string, string>,
      packageManager: typeof content['packageManager'] === 'string' ? content['packageManager'] : '',
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

function managerOf(project: ProjectFolder, manifest: Manifest): PackageManager {
  const lock = project.first('pnpm-lock.yaml', 'yarn.lock', 'package-lock.json', 'npm-shrinkwrap.json');
  if (lock === 'pnpm-lock.yaml') return { name: 'pnpm', install: 'pnpm install --frozen-lockfile', lock };
  if (lock === 'yarn.lock')
    return { name: 'yarn', install: `yarn install ${project.has('.yarnrc.yml') ? '--immutable' : '--frozen-lockfile'}`, lock };
  if (lock !== undefined) return { name: 'npm', install: 'npm ci', lock };
  if (manifest.packageManager.startsWith('pnpm')) return { name: 'pnpm', install: 'pnpm install --no-frozen-lockfile' };
  if (manifest.packageManager.startsWith('yarn')) return { name: 'yarn', install: 'yarn install' };
  return { name: 'npm', install: 'npm install --no-package-lock' };
}

function installStep(project: ProjectFolder, manifest: Manifest, manager: PackageManager): FoundStep | undefined {
  if (Object.keys(manifest.dependencies).length === 0 && !manifest.workspaces) return undefined;
  const step = { name: 'install', run: manager.install };
  // An install that runs code of the project depends on more than the lock file.
  const own = ['preinstall', 'install', 'postinstall', 'prepare'].some((hook) => manifest.scripts[hook] !== undefined);
  const linked = Object.values(manifest.dependencies).some((version) => /^(file|link|portal|workspace):/.test(version));
  if (manager.lock === undefined) return { ...step, comment: 'without a lock file the newest versions are installed: commit one' };
  if (own || linked || manifest.workspaces || project.has('pnpm-workspace.yaml')) return step;
  const settings = ['.npmrc', '.yarnrc', '.yarnrc.yml', '.pnpmfile.cjs'].filter((file) => project.has(file));
  const plugAndPlay =
    manager.name === 'yarn' && project.has('.yarnrc.yml') && !/nodeLinker:\s*node-modules/.test(project.text('.yarnrc.yml'));
  if (plugAndPlay || project.has('patches')) return step;
  return { ...step, inputs: ['package.json', manager.lock, ...settings], outputs: ['node_modules/**'] };
}

function runScript(manager: PackageManager, script: string): string {
  if (manager.name === 'npm' && (script === 'test' || script === 'start')) return `npm ${script}`;
  return `${manager.name} run ${script}`;
}

/** A build is cacheable only if its output folder is known. */
function withOutputs(step: FoundStep, project: ProjectFolder, manifest: Manifest): FoundStep {
  const script = manifest.scripts['build'] ?? manifest.scripts['compile'] ?? '';
  const outputs = outputsOf(script, project);
  if (outputs !== undefined) return { ...step, outputs: [outputs] };
  return { name: step.name, run: step.run, needs: step.needs ?? [] };
}

function outputsOf(script: string, project: ProjectFolder): string | undefined {
  if (/&&|;|\|/.test(script)) return undefined;
  const folder = (text: string | undefined): string | undefined => {
    const name = text?.replace(/^\.\//, '').replace(/\/$/, '');
    return name && /^[\w-][\w./-]*$/.test(name) && !name.includes('..') ? `${name}/**` : undefined;
  };
  const named = /--out(?:dir|Dir|-dir)[= ]([^\s]+)/.exec(script)?.[1];
  if (named !== undefined) return folder(named);
  if (/^tsc(\s+(-p|--project)\s+\.|\s+--pretty)?$/.test(script.trim()))
    return folder(/"outDir"\s*:\s*"([^"]+)"/.exec(project.text('tsconfig.json'))?.[1]);
  return undefined;
}

const readsPort = /process\.env\.PORT\b|process\.env\[['"]PORT['"]\]|\{[^}]*\bPORT\b[^}]*\}\s*=\s*process\.env/;

function serverOf(project: ProjectFolder, manifest: Manifest, manager: PackageManager): FoundServer | undefined {
  const start = manifest.scripts['start'];
  if (start === undefined || !isRunnable(start)) return undefined;
  const sources = project.files.filter((file) => /\.[cm]?[jt]sx?$/.test(file) && !/(^|\/)(tests?|__tests__)\/|\.(test|spec)\./.test(file));
  const readers = project.matching(sources, readsPort);
  const takesPort = readers.length > 0 || /\$PORT|\$\{PORT/.test(start) || /^next start\s*$/.test(start.trim());
  if (!takesPort) return undefined;
  const hooks = manifest.scripts['prestart'] !== undefined;
  // A direct start lets the service itself receive the termination signal.
  const command = !hooks && /^node\s+[\w./-]+\s*$/.test(start) ? start.trim() : runScript(manager, 'start');
  return { command, health: readers.map((file) => healthPathIn(project.text(file))).find((path) => path !== undefined) };
}

function syntaxCheck(manifest: Manifest): FoundStep {
  const entry = /^node\s+([\w./-]+)/.exec(manifest.scripts['start'] ?? '')?.[1];
  return entry === undefined
    ? { name: 'check', run: 'node --version', comment: 'there is no build and no test yet: add them here' }
    : { name: 'check', run: `node --check ${entry}`, comment: 'there is no build and no test yet: add them here', inputs: everything };
}
