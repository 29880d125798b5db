import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { isScalar } from 'yaml';
import type { ApprovalPlace } from '../ci/ci-service';
import { ciServices, findCiServiceByFile } from '../ci/registry';
import { approvalsInYaml, pairsOf, textOf, valueOf } from '../ci/yaml-approvals';
import { definitionName } from '../model/pipeline';
import { interactiveCommands } from './asking-steps';

/** A place where a delivery waits for a person; `path` is relative to the root, with `/`. */
export interface ManualApproval extends ApprovalPlace {
  readonly path: string;
}

const maxBytes = 500_000;

/**
 * Returns the manual approvals in the pipeline files of a repository, by file and line: those that CI services know, and steps of
 * `delivery.yaml` whose command waits for input. Skips a file that cannot be read: its own CI service reports it.
 */
export async function findManualApprovals(root: string): Promise<ManualApproval[]> {
  const globs = [...ciServices.flatMap(({ approvals }) => approvals?.files ?? []), `**/${definitionName}`];
  const list = ['ls-files', '-co', '--exclude-standard', '--deduplicate', '-z', '--', ...globs.map((glob) => `:(glob)${glob}`)];
  const answer = await promisify(execFile)('git', list, { cwd: root, maxBuffer: 64 * 1024 * 1024 }).catch(() => undefined);
  const files = (answer?.stdout ?? '').split('\0').filter((file) => file !== '');
  const found = await Promise.all(
    files.sort().map(async (file) => {
      const places = await approvalsIn(file, await contentOf(path.join(root, file)));
      return places.map((place) => ({ path: file, ...place })).sort((a, b) => a.line - b.line);
    }),
  );
  return found.flat();
}

async function contentOf(file: string): Promise<string> {
  try {
    const { size } = await fs.stat(file);
    return size > maxBytes ? '' : await fs.readFile(file, 'utf8');
  } catch {
    return '';
  }
}

async function approvalsIn(file: string, content: string): Promise<readonly ApprovalPlace[]> {
  if (path.posix.basename(file) === definitionName) return interactiveSteps(content);
  return (await findCiServiceByFile(file)?.approvals?.find(content)) ?? [];
}

function interactiveSteps(content: string): ApprovalPlace[] {
  return approvalsInYaml(content, (entries, lineOf) =>
    pairsOf(valueOf(entries, 'steps')).flatMap((step) => {
      const run = valueOf(pairsOf(step.value), 'run');
      if (!isScalar(run)) return [];
      const isBlock = run.type === 'BLOCK_LITERAL';
      return interactiveCommands(textOf(run) ?? '').map(({ line, what }) => ({
        // The text of a block starts on the line after its mark.
        line: lineOf(run) + (isBlock ? line + 1 : 0),
        message: `step ${textOf(step.key) ?? ''} ${what}`,
      }));
    }),
  );
}
