import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubernetesDefinition } from './descriptor';
import { fail, type Failure, ok, type Result } from '../../model/result';
import { lastLine, runProgram } from '../../process/program';
import { basesOf, matcher } from '../../support/globs';
import { plainEnvironment } from '../variables';
import type { KubernetesObject } from './objects';

export interface Rendering {
  readonly service: string;
  readonly namespace: string;
  /** The service's folder. */
  readonly folder: string;
  readonly mark: string;
  readonly signal: AbortSignal;
}

/** `mayBeGenerated`: a step that has not run yet may write the missing object. */
export type Rendered<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure; readonly mayBeGenerated?: true };

const kustomizations = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
const isManifest = /\.(ya?ml|json)$/;
const renderTimeoutMs = 60_000;

/** Returns all objects of a release from the files of its definition. The cluster is not contacted. */
export async function renderManifests(definition: KubernetesDefinition, rendering: Rendering): Promise<Rendered<KubernetesObject[]>> {
  const { chart, manifests = [] } = definition;
  if (chart) {
    const folder = path.resolve(rendering.folder, chart.folder);
    if (!fs.existsSync(path.join(folder, 'Chart.yaml'))) return missing(`the chart ${chart.folder}`, 'chart');
    const values = filesOf(chart.values, rendering.folder);
    if (!values.ok) return values;
    // Hooks run only when helm itself installs a chart.
    const args = ['template', rendering.service, folder, `--namespace=${rendering.namespace}`, '--no-hooks'];
    return rendered('helm', [...args, ...values.value.map((file) => `--values=${file}`)], chart.folder, rendering);
  }
  const files = filesOf(manifests, rendering.folder);
  if (!files.ok) return files;
  const objects: KubernetesObject[] = [];
  for (const file of files.value) {
    const shown = path.relative(rendering.folder, file) || '.';
    const found = fs.statSync(file).isDirectory()
      ? await rendered('kubectl', ['kustomize', file], shown, rendering)
      : parseManifests(fs.readFileSync(file, 'utf8'), shown);
    if (!found.ok) return found;
    objects.push(...found.value);
  }
  return ok(objects);
}

/** Returns the files that the patterns match and the folders with a kustomization, without duplicates. */
function filesOf(patterns: readonly string[], folder: string): Rendered<string[]> {
  const found: string[] = [];
  for (const pattern of patterns) {
    const named = path.resolve(folder, pattern);
    const stat = fs.statSync(named, { throwIfNoEntry: false });
    const files = stat?.isFile() ? [named] : stat ? inFolder(named) : matching(pattern, folder);
    if (files.length === 0) return missing(pattern, 'manifests');
    found.push(...files);
  }
  return ok([...new Set(found)]);
}

/** Lists a folder like kubectl: its own manifests, not those of its subfolders. */
function inFolder(folder: string): string[] {
  const names = fs.readdirSync(folder).sort();
  if (names.some((name) => kustomizations.includes(name))) return [folder];
  return names.filter((name) => isManifest.test(name)).map((name) => path.join(folder, name));
}

function matching(glob: string, folder: string): string[] {
  const matches = matcher([glob]);
  return basesOf([glob]).flatMap((base) => {
    const below = path.join(folder, base);
    if (!fs.statSync(below, { throwIfNoEntry: false })?.isDirectory()) return [];
    const files = fs.readdirSync(below, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
    const names = files.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));
    return names
      .filter((name) => isManifest.test(name) && matches(name))
      .sort()
      .map((name) => path.join(folder, name));
  });
}

async function rendered(
  program: string,
  args: readonly string[],
  what: string,
  { mark, folder, signal }: Rendering,
): Promise<Rendered<KubernetesObject[]>> {
  const end = await runProgram({
    program,
    args,
    folder,
    // The objects must not depend on the user's shell.
    env: plainEnvironment(process.env),
    mark: { run: mark, step: `render-${randomUUID()}` },
    timeoutMs: renderTimeoutMs,
    signal,
  });
  if (end.ended === 'missing') return fail('usage', `${what} needs ${program}, which was not found`, { hint: `install ${program}` });
  if (end.ended === 'cancelled') return fail('cancelled', 'cancelled');
  if (end.exitCode !== 0) {
    const reason = (lastLine(end.stderr) ?? 'it timed out').replace(/^Error: /i, '');
    const hint = `run it for the full error: ${program} ${args.slice(0, 1).join(' ')} ${what}`;
    return mayBeGenerated(fail('usage', `${program} could not build ${what}: ${reason}`, { hint }));
  }
  return parseManifests(end.stdout, what);
}

/** Returns the objects in YAML documents or JSON. Lists are flattened. */
export function parseManifests(text: string, shown: string): Result<KubernetesObject[]> {
  const objects: KubernetesObject[] = [];
  // Kubernetes reads YAML 1.1 without timestamps: `0644` is octal and `on` is true.
  const documents = parseAllDocuments(text, {
    version: '1.1',
    merge: true,
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === 'string' || (tag.format !== 'TIME' && tag.tag !== 'tag:yaml.org,2002:timestamp')),
  });
  for (const document of 'empty' in documents ? [] : documents) {
    const [error] = document.errors;
    if (error)
      return fail('usage', `${shown} is not valid YAML: ${error.message.split('\n')[0] ?? ''}`, {
        ...(error.linePos && { line: error.linePos[0].line, column: error.linePos[0].col }),
      });
    const value = document.toJS() as unknown;
    if (value === null || value === undefined) continue;
    for (const item of listed(value)) {
      if (!isObject(item))
        return fail(
          'usage',
          `${shown} contains something that is not a Kubernetes object: apiVersion, kind and metadata.name are required`,
        );
      objects.push(item);
    }
  }
  return ok(objects);
}

function listed(value: unknown): readonly unknown[] {
  const { kind, items } = value as { kind?: unknown; items?: unknown };
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items) ? items : [value];
}

function isObject(value: unknown): value is KubernetesObject {
  const { apiVersion, kind, metadata } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown; metadata?: { name?: unknown } | null };
  return typeof apiVersion === 'string' && typeof kind === 'string' && typeof metadata?.name === 'string';
}

/** Returns whether a step may add objects to those that the definition matches now: true for a glob or a folder without a kustomization. */
export function mayGainObjects({ manifests = [] }: KubernetesDefinition, folder: string): boolean {
  return manifests.some((pattern) => {
    const stat = fs.statSync(path.resolve(folder, pattern), { throwIfNoEntry: false });
    return !stat?.isFile() && !(stat && kustomizations.some((name) => fs.existsSync(path.join(folder, pattern, name))));
  });
}

function missing(what: string, key: string): Rendered<never> {
  return mayBeGenerated(
    fail('usage', `${what} does not exist: it is not part of the change, and no step has written it`, {
      hint: `add it, correct \`${key}\`, or let the deployment need the step that writes it`,
    }),
  );
}

export function mayBeGenerated(failed: Result<never>): Rendered<never> {
  return failed.ok ? failed : { ...failed, mayBeGenerated: true };
}
