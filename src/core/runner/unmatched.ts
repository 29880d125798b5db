import * as fs from 'node:fs';
import * as path from 'node:path';
import { execGit } from '../git/git';
import { listRuns } from '../history/runs';
import type { Pipeline } from '../model/pipeline';
import { valueOf, type Failure } from '../model/result';
import { readDocument } from '../pipeline/document';
import type { RepositoryHome } from '../support/home';
import { unmatchedInputs, type TreeFile } from './cache';
import { namesUnmatched } from './outputs';

export interface CheckedDefinition {
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  /** `delivery.yaml`, relative to the root. */
  readonly file: string;
  readonly text: string;
  readonly pipeline: Pipeline;
}

/**
 * Returns a warning, with its place in `delivery.yaml`, for each glob of a step that matches nothing: `inputs` in the working copy,
 * `outputs` and `reports` in the last run.
 */
export async function findUnmatchedGlobs(
  root: string,
  home: RepositoryHome,
  { folder, file, text, pipeline }: CheckedDefinition,
): Promise<Failure[]> {
  const { document } = readDocument(text, file);
  if (!document) return [];
  const tree = await filesOf(path.join(root, folder));
  const [last] = listRuns(home, { service: pipeline.service, limit: 1 });
  return pipeline.steps.flatMap((step) => {
    const notices = last?.steps.find(({ name }) => name === step.name)?.notices ?? [];
    const inLastRun = (key: 'outputs' | 'reports'): string[] =>
      step[key].filter((glob) => notices.some((notice) => namesUnmatched(notice, key, glob)));
    const unmatched = { inputs: unmatchedInputs(step, tree), outputs: inLastRun('outputs'), reports: inLastRun('reports') };
    return (['inputs', 'outputs', 'reports'] as const).flatMap((key) =>
      unmatched[key].map((glob) =>
        document.failure(
          ['steps', step.name, key, (step[key] ?? []).indexOf(glob)],
          `${glob} matches no file${key === 'inputs' ? '' : ' of the last run'}, so ${step.name} is not cached`,
          {
            hint: `correct the glob, or remove it from \`${key}\``,
          },
        ),
      ),
    );
  });
}

/** Returns the files of the working copy that a delivery would contain. */
async function filesOf(folder: string): Promise<TreeFile[]> {
  const list = async (...options: string[]): Promise<string[]> =>
    (valueOf(await execGit(['ls-files', '-z', '--deduplicate', ...options], { folder })) ?? '').split('\0').filter((name) => name !== '');
  const [all, deleted] = await Promise.all([list('-co', '--exclude-standard'), list('--deleted')]);
  const missing = new Set(deleted);
  return all
    .filter((name) => !missing.has(name))
    .map((name) => ({ path: name.replace(/\/$/, ''), id: '', mode: isFolder(path.join(folder, name)) ? '160000' : '100644' }));
}

function isFolder(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
