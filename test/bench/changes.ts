import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SerialQueue } from '../../src/core/support/serial-queue';
import { execGit } from '../../src/core/git/git';
import { openRepository } from '../../src/core/git/repository';
import type * as lines from '../../src/core/history/recent-lines';
import type * as changes from '../../src/core/history/recent-changes';
import type * as recentHistory from '../../src/core/feedback/recent';
import { RepositoryHome } from '../../src/core/support/home';
import { deliveredRun } from '../support/delivered';
import { deliveriesOf } from '../../src/core/history/ledger';
import { Project } from '../support/project';
import { asShipped, inFolder, median, ms, type Row } from './measure';

const [commits, files, fileLines, apart] = [100_000, 2_000, 100, 200];

/** Recent changes in a long history, compared with `git diff` of the same two commits, and the marks of a large file. */
export async function recentChangesOfLongHistory(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const project = new Project(folder);
    await makeHistory(project.root);
    project.git('reset', '-q', '--hard', 'main');
    const opened = await openRepository(project.root);
    if (!opened.ok) throw new Error(opened.failure.message);
    const repository = opened.value;
    const home = new RepositoryHome(project.home, repository.commonGitFolder);
    const core = asShipped<typeof lines & typeof changes & typeof recentHistory>([
      'changes/recent-lines',
      'changes/recent-changes',
      'feedback/recent',
    ]);
    const [to, from] = ['HEAD', `HEAD~${apart}`].map((name) => project.git('rev-parse', name).trim());
    const at = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
    const runs = [deliveredRun('b', { commit: to ?? '', at: at(1) }), deliveredRun('a', { commit: from ?? '', at: at(2) })];

    const [diffs, recents, reads, marks]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (let round = 0; round < 7; round++) {
      diffs.push(await seconds(async () => execGit(['diff', from ?? '', to ?? ''], { folder: project.root })));
      recents.push(await seconds(async () => core.recentChanges(repository, home, { from: from ?? '', to: to ?? '', folder: '' })));
      const history = new core.RecentDeliveryHistory(repository, home, '', new SerialQueue());
      reads.push(
        await seconds(async () => {
          const read = await history.read(deliveriesOf(runs), { deliveries: 1, days: 365 });
          if (!read.ok || read.value.changes.length !== apart) throw new Error('not all changes were read');
        }),
      );
    }
    const [diff, recent, read] = [median(diffs.slice(1)), median(recents.slice(1)), median(reads.slice(1))];

    const large = (edit: number): string =>
      Array.from({ length: 2_500 }, (_, line) => `const large${line} = ${line % 50 === edit ? `edited(${edit})` : line};\n`).join('');
    const before = project.git('rev-parse', 'HEAD').trim();
    for (let edit = 1; edit <= 20; edit++) project.write('large.js', large(edit)).commit(`Edit ${edit}`);
    const all = await core.recentChanges(repository, home, { from: before, to: 'HEAD', folder: '' });
    if (!all.ok) throw new Error(all.failure.message);
    const recentLines = new core.RecentLines(repository, home);
    for (let round = 0; round < 6; round++) {
      marks.push(
        await seconds(async () => {
          const found = await recentLines.lines(all.value, 'large.js', large(20));
          if (found.length === 0) throw new Error('nothing was marked');
        }),
      );
    }
    const [first = NaN, ...again] = marks;
    return [
      {
        what: `recent changes of a history of ${commits} commits, against git diff of the same two`,
        value: recent / diff,
        bound: { most: 2, unit: '×' },
        detail: `changes ${ms(recent)}, git diff ${ms(diff)}; with what is uncommitted and what was delivered where ${ms(read)}`,
      },
      {
        what: 'marks of a file of 2,500 lines that 20 changes touched, as it is opened again',
        value: median(again) * 1000,
        bound: { most: 50, unit: ' ms' },
        detail: `with git the first time ${ms(first)}`,
      },
    ];
  });
}

/** LogChunk by piece: a process that holds much starts others slowly. */
async function makeHistory(folder: string): Promise<void> {
  const importer = spawn('git', ['fast-import', '--quiet', '--force'], { cwd: folder, stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = once(importer, 'close');
  const text = (file: number, edit: number): string =>
    Array.from({ length: fileLines }, (_, line) => `const value${line} = ${line === edit % fileLines ? `edited(${edit})` : file};\n`).join(
      '',
    );
  for (let commit = 1; commit <= commits; commit++) {
    const message = `Change ${commit}`;
    const head = `commit refs/heads/main\ncommitter A <a@example.com> ${1_600_000_000 + commit} +0000\ndata ${message.length}\n${message}\n`;
    // The first holds all files; each of the others changes one.
    const touched = commit === 1 ? Array.from({ length: files }, (_, file) => file) : [(commit * 7) % files];
    const changed = touched.map((file) => {
      const content = text(file, commit);
      return `M 100644 inline src/part${file % 40}/file${file}.js\ndata ${content.length}\n${content}\n`;
    });
    if (!importer.stdin.write(head + changed.join(''))) await once(importer.stdin, 'drain');
  }
  importer.stdin.end();
  await ended;
}

async function seconds(action: () => Promise<unknown>): Promise<number> {
  const began = process.hrtime.bigint();
  await action();
  return Number(process.hrtime.bigint() - began) / 1e9;
}
