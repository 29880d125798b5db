import { EnvironmentFiles } from '../../src/core/environments/process/state-file';
import { openRepository } from '../../src/core/git/repository';
import type * as places from '../../src/core/location/places-now';
import type * as feedback from '../../src/core/feedback/service-feedback';
import type { FeedbackState, ServiceFeedback } from '../../src/core/feedback/service-feedback';
import { RepositoryHome } from '../../src/core/support/home';
import type { Pipeline } from '../../src/core/model/pipeline';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { deliveredRun } from '../support/delivered';
import { Project } from '../support/project';
import { asShipped, inFolder, median, ms, type Row } from './measure';

const [files, lines, items] = [1_000, 100, 10_000];
const window = { deliveries: 5, days: 14 };

/** 10,000 items with stacks over 1,000 files: placed for the first time, and after a commit that has nothing to do with them. */
export async function placesOfFeedback(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const project = new Project(folder);
    for (let file = 0; file < files; file++) project.write(nameOf(file), textOf(file, ''));
    const first = commitOf(project, 'First');
    for (let file = 0; file < files; file += 10) project.write(nameOf(file), textOf(file, '// changed\n'));
    const second = commitOf(project, 'Second');
    // The working tree differs from the delivered tree.
    for (let file = 0; file < files; file += 5) project.write(nameOf(file), textOf(file, '// edited since\n'));
    project.commit('Third');

    const repository = await openRepository(project.root);
    if (!repository.ok) throw new Error(repository.failure.message);
    const home = new RepositoryHome(project.home, repository.value.commonGitFolder);
    const feedbackFile = new EnvironmentFiles(project.home, 'staging').feedback('shop');
    fs.mkdirSync(path.dirname(feedbackFile), { recursive: true });
    fs.writeFileSync(feedbackFile, Array.from({ length: items }, (_, index) => `${JSON.stringify(itemOf(index, second))}\n`).join(''));
    const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
    const runs = [deliveredRun('b', { commit: second, at: hoursAgo(1) }), deliveredRun('a', { commit: first, at: hoursAgo(2) })];
    const placed = async (service: ServiceFeedback): Promise<number> => {
      const began = performance.now();
      const state = await service.state(runs, window);
      if (!state.ok) throw new Error(state.failure.message);
      check(state.value);
      return (performance.now() - began) / 1000;
    };

    const core = asShipped<typeof places & typeof feedback>(['changes/places-now', 'feedback/service-feedback']);
    const [firsts, afters]: [number[], number[]] = [[], []];
    for (let round = 0; round < 4; round++) {
      const service = await core.ServiceFeedback.open({
        repository: repository.value,
        home,
        folder: '',
        pipeline,
        placesNow: new core.PlacesNow(repository.value, home),
        tokens: async () => Promise.resolve(undefined),
        proxy: 'environment',
      });
      await service.refresh(0, new AbortController().signal);
      // Files that were written a moment ago may change again without their time telling.
      if (round === 0) await new Promise((resolve) => setTimeout(resolve, 2_500));
      firsts.push(await placed(service));
      project.write('README.md', `round ${round}`).commit('Unrelated');
      afters.push(await placed(service));
    }
    const [once, again] = [median(firsts.slice(1)), median(afters.slice(1))];
    const what = `${items} items over ${files} files placed`;
    return [
      {
        what: `${what} for the first time`,
        value: once * 1000,
        bound: { most: 2_000, unit: ' ms' },
        detail: `median of ${firsts.map(ms).join(', ')}`,
      },
      {
        what: `${what} after an unrelated commit`,
        value: again * 1000,
        bound: { most: 100, unit: ' ms' },
        detail: `median of ${afters.map(ms).join(', ')}`,
      },
    ];
  });
}

const pipeline: Pipeline = {
  service: 'shop',
  steps: [],
  environments: {
    staging: { kind: 'process', watchMs: 0, settings: { command: '', env: {}, health: { probe: { tcp: true }, timeoutMs: 1 } } },
  },
};

function nameOf(file: number): string {
  return `src/part${file % 20}/file${file}.js`;
}

function textOf(file: number, above: string): string {
  return above + Array.from({ length: lines }, (_, line) => `export const value${line} = compute(${file}, ${line});\n`).join('');
}

function commitOf(project: Project, subject: string): string {
  return project.commit(subject).git('rev-parse', 'HEAD').trim();
}

function itemOf(index: number, commit: string): unknown {
  const frame = { path: nameOf(index % files), line: 2 + ((index * 7) % (lines - 2)), inApp: true };
  const library = { path: 'node:internal/process/task_queues', line: 95, inApp: false };
  const createdAt = new Date().toISOString();
  return { id: `e-${index}`, kind: 'error', title: `Error ${index}`, createdAt, commit, count: 3, people: 2, frames: [library, frame] };
}

function check({ items: placed }: FeedbackState): void {
  const exact = placed.filter(({ places }) => places[0]?.confidence === 'exact' && places[0].line !== undefined);
  if (exact.length !== items) throw new Error(`only ${exact.length} of ${items} were placed`);
}
