import { managerOf, manifestOf, staticServer } from './node';
import { serverAt } from './port';
import type { Found, FoundStep, ProjectFolder } from './project';

interface NxProject {
  readonly name?: string;
  readonly projectType?: string;
  readonly targets?: Readonly<
    Record<string, { readonly outputs?: readonly string[]; readonly options?: { readonly outputPath?: unknown } }>
  >;
}

/** Detects an application of an Nx workspace that has no scripts of its own. */
export function detectNx(project: ProjectFolder): Found | undefined {
  const up = project.above('nx.json');
  const own = manifestOf(project.text('package.json'));
  if (!up || own?.scripts['build'] !== undefined || own?.scripts['start'] !== undefined) return undefined;
  const { name, projectType, targets = {} } = configOf(project.text('project.json'));
  if (projectType !== 'application' || name === undefined || !/^[\w@][\w./@-]*$/.test(name) || /e2e$/.test(name)) return undefined;
  const root = manifestOf(project.text(`${up}package.json`));
  if (!root) return undefined;
  const inRoot = (command: string): string => `cd ${up.slice(0, -1)} && ${command}`;
  const step = (target: string): FoundStep => ({ name: target, needs: ['install'], run: inRoot(`npx nx run ${name}:${target}`) });
  const steps = [
    { name: 'install', run: inRoot(managerOf(project, root).install) },
    ...['lint', 'test'].filter((target) => targets[target] !== undefined).map(step),
    step('build'),
  ];
  const { outputs = [], options = {} } = targets['build'] ?? {};
  const declared = typeof options.outputPath === 'string' ? options.outputPath : outputs[0]?.replace('{workspaceRoot}/', '');
  const output = declared !== undefined && /^[\w./-]+$/.test(declared) ? declared : `dist/apps/${name}`;
  const sources = project.sources(/\.[cm]?[jt]s$/);
  const listens = project.matching(sources, /\.listen\(/).length > 0;
  const page = project.first('src/index.html', 'index.html');
  const server = listens
    ? serverAt(project, `node ${up}${output}/main.js`, sources)
    : page === undefined
      ? undefined
      : ({ kind: 'process', start: staticServer(up + output), isStatic: true } as const);
  return { label: 'Nx', prefix: 'nx', steps, server };
}

function configOf(text: string): NxProject {
  try {
    return (JSON.parse(text) ?? {}) as NxProject;
  } catch {
    return {};
  }
}
