import * as fs from 'node:fs';
import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { definitionName } from '../model/pipeline';
import { fail, ok, type Result, valueOf } from '../model/result';
import { plainServiceName } from './service-name';
import { execGit } from '../git/git';

/** A service with its folder, relative to the repository's root, with `/`; empty for the root. */
export interface ServicePlace {
  readonly name: string;
  readonly folder: string;
}

/** Returns all services of a working copy. A service with an unreadable file has the name of its folder. */
export async function listServices(root: string): Promise<ServicePlace[]> {
  const found = await findServices(root);
  return Promise.all(found.map(async ({ folder }) => placeOf(root, folder)));
}

/**
 * Returns the named service, or else the service that contains `from`, or else the only service of the repository. Fails
 * with a list if there are several.
 */
export async function locateService(root: string, from: string, name?: string): Promise<Result<ServicePlace>> {
  const above = name === undefined ? nearest(root, from) : undefined;
  if (above !== undefined) return ok(await placeOf(root, above));
  const services = await listServices(root);
  const choice = services.map((service) => service.name).join(', ');
  if (name !== undefined) {
    const named = services.find((service) => service.name === name || service.folder === name);
    if (named) return ok(named);
    return fail('usage', `there is no service ${name} in ${root}`, {
      hint: choice ? `known services: ${choice}` : 'deliver init creates the first one',
    });
  }
  const [only] = services;
  if (only && services.length === 1) return ok(only);
  if (only) return fail('usage', `${root} has several services`, { hint: `choose one with --service: ${choice}` });
  return fail('usage', `there is no ${definitionName} in ${root}`, { hint: 'deliver init writes one' });
}

function nearest(root: string, from: string): string | undefined {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const relative = path.relative(root, folder);
    if (relative.startsWith('..') || path.isAbsolute(relative)) return undefined;
    if (fs.existsSync(path.join(folder, definitionName))) return relative.split(path.sep).join('/');
    if (relative === '') return undefined;
  }
}

async function placeOf(root: string, folder: string): Promise<ServicePlace> {
  return { folder, name: (await nameIn(path.join(root, folder, definitionName))) ?? path.posix.basename(folder) };
}

async function nameIn(file: string): Promise<string | undefined> {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  return plainServiceName(text) ?? (await import('./parse')).serviceName(text);
}

/**
 * Returns the folders of a working copy with a `delivery.yaml` that is not ignored, sorted and relative to the root with `/`
 * (empty for the root). Empty if git fails.
 */
export async function findServices(root: string): Promise<{ folder: string; file: string }[]> {
  const list = ['ls-files', '-co', '--exclude-standard', '--deduplicate', '-z', '--', ':(glob)**/delivery.yaml'];
  const listed = valueOf(await execGit(list, { folder: root })) ?? '';
  const files = listed.split('\0').filter((file) => file !== '' && existsSync(path.join(root, file)));
  const services = files.map((file) => ({ folder: file.slice(0, Math.max(0, file.lastIndexOf('/'))), file }));
  return services.sort((a, b) => (a.folder < b.folder ? -1 : a.folder > b.folder ? 1 : 0));
}
