import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { execGit } from '../git/git';
import { valueOf } from '../model/result';
import { interactiveCommands } from './asking-steps';
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit, type Pair } from 'yaml';

/** A manual approval in a pipeline. `path` is relative to the root with `/`, `line` counts from 1. */
export interface ManualApproval {
  readonly path: string;
  readonly line: number;
  readonly message: string;
  /** True if settings outside the repository decide whether the pipeline waits. */
  readonly isPossible?: true;
}

const globs = [
  ':(glob)**/.gitlab-ci.yml',
  ':(glob)**/*.gitlab-ci.yml',
  ':(glob).gitlab/ci/**/*.yml',
  ':(glob).github/workflows/*.yml',
  ':(glob).github/workflows/*.yaml',
  ':(glob)**/Jenkinsfile*',
  ':(glob)**/*.jenkinsfile',
  ':(glob)**/delivery.yaml',
];
const largest = 500_000;

/**
 * Returns the manual approvals in the repository's CI files, by file and line: GitLab jobs with `when: manual`, GitHub
 * workflows that deploy only when started by hand or wait for reviewers, Jenkins `input`, and steps of `delivery.yaml` that
 * ask a person. Unreadable files are skipped: their own service reports them.
 */
export async function findManualApprovals(root: string): Promise<ManualApproval[]> {
  const list = ['ls-files', '-co', '--exclude-standard', '--deduplicate', '-z', '--', ...globs];
  const listed = valueOf(await execGit(list, { folder: root })) ?? '';
  const files = listed.split('\0').filter((file) => file !== '');
  const found = await Promise.all(files.sort().map(async (file) => handoversIn(file, await contentOf(path.join(root, file)))));
  return found.flat();
}

async function contentOf(file: string): Promise<string> {
  try {
    const { size } = await fs.stat(file);
    return size > largest ? '' : await fs.readFile(file, 'utf8');
  } catch {
    return '';
  }
}

function handoversIn(file: string, content: string): ManualApproval[] {
  const name = path.posix.basename(file);
  const places = /^Jenkinsfile|\.jenkinsfile$/.test(name) ? jenkins(content) : yamlHandovers(file, content);
  return places.map((place) => ({ path: file, ...place })).sort((a, b) => a.line - b.line);
}

type Place = Omit<ManualApproval, 'path'>;

function jenkins(content: string): Place[] {
  const blank = (text: string): string => text.replace(/[^\n'"]/g, ' ');
  // Strings and comments are not code of the pipeline.
  const code = content.replace(/'''[\s\S]*?'''|"""[\s\S]*?"""|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\*[\s\S]*?\*\/|\/\/.*/g, (part) =>
    part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : blank(part),
  );
  return code.split('\n').flatMap((line, index) => {
    const isInput = /(?:^|[{;=]|\breturn\b)\s*input\s*(\(|\{|message\b|id\b|'|")/.test(line);
    return isInput ? [{ line: index + 1, message: 'the pipeline waits for a person at `input`' }] : [];
  });
}

function yamlHandovers(file: string, content: string): Place[] {
  const lineCounter = new LineCounter();
  try {
    const { contents, errors } = parseDocument(content, { lineCounter, prettyErrors: false, uniqueKeys: false });
    if (errors.length > 0 || !isMap(contents)) return [];
    const lineOf = (node: unknown): number => lineCounter.linePos((node as { range?: readonly number[] | null }).range?.[0] ?? 0).line;
    if (path.posix.basename(file) === 'delivery.yaml') return steps(contents, lineOf);
    if (!file.startsWith('.github/')) return gitlab(contents, lineOf);
    // Exported workflows name environments for GitHub's record of deployments.
    return content.startsWith('# Written by `deliver export ') ? [] : github(contents, lineOf);
  } catch {
    return [];
  }
}

function steps(contents: unknown, lineOf: (node: unknown) => number): Place[] {
  const all = pairsOf(pairsOf(contents).find((pair) => textOf(pair.key) === 'steps')?.value);
  return all.flatMap((step) => {
    const run = pairsOf(step.value).find((pair) => textOf(pair.key) === 'run')?.value;
    if (!isScalar(run)) return [];
    const isBlock = run.type === 'BLOCK_LITERAL';
    return interactiveCommands(textOf(run) ?? '').map(({ line, what }) => ({
      // The text of a block scalar starts on the line after its indicator.
      line: lineOf(run) + (isBlock ? line + 1 : 0),
      message: `step ${textOf(step.key) ?? ''} ${what}`,
    }));
  });
}

function gitlab(contents: unknown, lineOf: (node: unknown) => number): Place[] {
  return pairsOf(contents).flatMap((job) => {
    const places: Place[] = [];
    if (isMap(job.value) || isSeq(job.value))
      visit(job.value, {
        Pair(_, pair) {
          if (textOf(pair.key) !== 'when' || textOf(pair.value) !== 'manual') return;
          places.push({ line: lineOf(pair.key), message: `job ${textOf(job.key) ?? ''} waits for a person: \`when: manual\`` });
        },
      });
    return places;
  });
}

function github(contents: unknown, lineOf: (node: unknown) => number): Place[] {
  const workflow = pairsOf(contents);
  const on = workflow.find((pair) => textOf(pair.key) === 'on');
  const jobs = pairsOf(workflow.find((pair) => textOf(pair.key) === 'jobs')?.value);
  const places: Place[] = [];
  for (const job of jobs) {
    const environment = pairsOf(job.value).find((pair) => textOf(pair.key) === 'environment');
    if (!environment) continue;
    const name = textOf(environment.value) ?? textOf(pairsOf(environment.value).find((pair) => textOf(pair.key) === 'name')?.value) ?? '';
    places.push({
      line: lineOf(environment.key),
      message: `job ${textOf(job.key) ?? ''} may wait for the reviewers of environment ${name}`,
      isPossible: true,
    });
  }
  const onlyByHand = on && triggersOf(on.value).every((trigger) => trigger === 'workflow_dispatch');
  // A job that calls another workflow is judged by that workflow's name.
  const called = jobs.map((job) => textOf(pairsOf(job.value).find((pair) => textOf(pair.key) === 'uses')?.value));
  const deploys = [textOf(workflow.find((pair) => textOf(pair.key) === 'name')?.value), ...jobs.map((job) => textOf(job.key)), ...called];
  if (onlyByHand && (places.length > 0 || deploys.some((word) => /deploy|release|publish|promote/i.test(word ?? '')))) {
    places.push({ line: lineOf(on.key), message: 'the workflow deploys only when a person starts it: `workflow_dispatch`' });
  }
  return places;
}

function triggersOf(node: unknown): (string | undefined)[] {
  if (isMap(node)) return pairsOf(node).map((pair) => textOf(pair.key));
  return isSeq(node) ? node.items.map(textOf) : [textOf(node)];
}

function pairsOf(node: unknown): Pair[] {
  return isMap(node) ? node.items.filter((item) => isPair(item)) : [];
}

function textOf(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
}
