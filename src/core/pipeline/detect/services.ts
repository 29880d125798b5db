import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from '../../support/files';
import { definitionName } from '../../model/pipeline';
import { listServices } from '../locate';
import { buildsImages, serverOf, type ServiceFolder } from './detect';

/** Files that show that a folder is a project of its own. */
const manifests =
  /^(package\.json|deno\.jsonc?|pyproject\.toml|requirements\.txt|Pipfile|manage\.py|go\.mod|Cargo\.toml|pom\.xml|build\.gradle(\.kts)?|composer\.json|Gemfile|project\.json|[\w.-]+\.csproj|Procfile)$/;

/** Folders whose projects are not delivered. */
const other =
  /^(examples?|samples?|demos?|fixtures|tests?|__tests__|testdata|e2e|docs?|benchmarks?|bench|templates?|playgrounds?|scripts|tools|hack|integration|node_modules|vendor|dist|build|target|out|venv)$/i;
const deepest = 3;
const most = 100;

/** Names that many repositories use. The name of the repository makes them distinct. */
const common =
  /^(web|www|site|website|frontend|front|front-end|backend|back|back-end|server|client|api|app|apps|ui|admin|service|services|src|main|worker|gateway|core|dashboard|portal|http|graphql|mobile|cmd)$/i;

/**
 * Returns the services that a folder offers: itself if it has a program that serves or has no other project, else the projects
 * below it that serve. Their names are unique in the repository.
 */
export async function offeredServices(from: string): Promise<ServiceFolder[]> {
  const folder = path.resolve(from);
  const root = rootOf(folder);
  const members = serverOf({ folder, root }) ? [] : projectsBelow(folder).filter((below) => serverOf({ folder: below, root }));
  // Containers can serve what is not sure to run as a process.
  const isSure = members.some((below) => serverOf({ folder: below, root })?.question === undefined);
  return named(isSure || (members.length > 0 && !buildsImages(folder)) ? members : [folder], root);
}

/** Returns the folders as services with names that are unique in the repository. */
export async function named(folders: readonly string[], root: string): Promise<ServiceFolder[]> {
  const repository = plainName(path.basename(root));
  const taken = new Set((await listServices(root)).map(({ name }) => name.toLowerCase()));
  return folders.map((folder) => {
    const own = plainName(path.basename(folder));
    const parents = path.relative(root, folder).split(path.sep).map(plainName);
    const choice = [...(common.test(own) && folder !== root ? [] : [own]), `${repository}-${own}`, `${repository}-${parents.join('-')}`];
    const free = choice.find((name) => !taken.has(name.toLowerCase())) ?? numbered(own, taken);
    taken.add(free.toLowerCase());
    return { folder, root, name: free };
  });
}

function numbered(name: string, taken: ReadonlySet<string>): string {
  for (let number = 2; ; number++) if (!taken.has(`${name}-${number}`.toLowerCase())) return `${name}-${number}`;
}

/** Returns the root of the repository, or the folder itself outside a repository. */
export function rootOf(folder: string): string {
  for (let at = folder; ; at = path.dirname(at)) {
    if (fs.existsSync(path.join(at, '.git'))) return at;
    if (at === path.dirname(at)) return folder;
  }
}

function projectsBelow(folder: string): string[] {
  const found: string[] = [];
  const open = [{ at: folder, depth: 0 }];
  for (let next = open.shift(); next && found.length < most; next = open.shift()) {
    for (const name of fileNames(next.at)) {
      const below = path.join(next.at, name);
      if (name.startsWith('.') || other.test(name) || !fs.statSync(below, { throwIfNoEntry: false })?.isDirectory()) continue;
      const names = fileNames(below);
      if (names.includes(definitionName)) continue;
      const isProject = names.some((file) => manifests.test(file));
      if (isProject) found.push(below);
      // The projects of a project with a program are its parts.
      if (next.depth + 1 < deepest && !(isProject && serverOf({ folder: below, root: folder })))
        open.push({ at: below, depth: next.depth + 1 });
    }
  }
  return found;
}

/** Returns a valid service name. */
export function plainName(text: string): string {
  const name = text.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, ''); // prettier-ignore
  return name.slice(0, 100) || 'service';
}
