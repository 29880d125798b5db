import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from '../../../support/file-names';
import type { FoundStep } from '../project';
import { StepList, type Adopted, type LeftOver } from './adopted';
import { adoptGithub } from './github-workflow';
import { adoptGitlab } from './gitlab-ci';

/** The steps of existing CI files, and the parts that were not converted. */
export interface AdoptedPipelines {
  /** The files with converted steps. */
  readonly files: readonly string[];
  readonly steps: readonly FoundStep[];
  readonly left: readonly LeftOver[];
}

const workflows = '.github/workflows';
const largest = 500_000;
const unread = 'deliver init does not read Jenkinsfiles';

/** Converts a folder's GitHub workflows, or else its GitLab CI file. Lists a Jenkinsfile as not converted. Skips files that Deliver wrote. */
export function adoptPipelines(folder: string): AdoptedPipelines {
  const github = fileNames(path.join(folder, workflows)).filter((name) => /\.ya?ml$/.test(name));
  const candidates = [
    github.flatMap((name) => read(folder, `${workflows}/${name}`, adoptGithub)),
    read(folder, '.gitlab-ci.yml', adoptGitlab),
    read(folder, 'Jenkinsfile', (_, file) => ({ file, steps: [], left: [{ file, line: 1, message: unread }] })),
  ];
  const left = candidates.flatMap((found) => found.flatMap((one) => one.left));
  const found = candidates.find((one) => one.some(({ steps }) => steps.length > 0)) ?? [];
  const used = found.filter(({ steps }) => steps.length > 0);
  const passedOver = candidates.filter((one) => one !== found).flatMap((one) => one.filter(({ steps }) => steps.length > 0));
  return {
    files: used.map((one) => one.file),
    steps: together(used),
    left: [
      ...left.filter(({ file }) => !passedOver.some((one) => one.file === file)),
      ...passedOver.map(({ file }) => ({ file, line: 1, message: `the whole file: the steps are those of ${used[0]?.file ?? ''}` })),
    ],
  };
}

function read(folder: string, file: string, adopt: (text: string, file: string) => Adopted | undefined): Adopted[] {
  const whole = path.join(folder, file);
  const stat = fs.statSync(whole, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > largest) return [];
  const text = fs
    .readFileSync(whole, 'utf8')
    .replace(/^\uFEFF/, '')
    .replace(/\r\n/g, '\n');
  if (/^(#|\/\/) Written by `deliver export /.test(text)) return [];
  const adopted = adopt(text, file);
  return adopted ? [adopted] : [];
}

/** Merges several workflows into one pipeline with distinct names. Duplicate steps become one. */
function together(found: readonly Adopted[]): FoundStep[] {
  const list = new StepList();
  for (const { steps } of found) {
    const renamed = new Map<string, string>();
    for (const { name, ...step } of steps)
      renamed.set(name, list.add(name, { ...step, needs: (step.needs ?? []).map((need) => renamed.get(need) ?? need) }));
  }
  return list.steps;
}
