import * as fs from 'node:fs';
import * as path from 'node:path';
import { openRepository } from '../../src/core/git/repository';
import { takeSnapshot } from '../../src/core/git/snapshot';
import { RepositoryHome } from '../../src/core/support/home';
import { Project } from '../support/project';
import { inFolder, median, ms, type Row } from './measure';

/** The snapshot of a dirty tree of 50,000 files, against `git status` there. */
export async function snapshotOfManyFiles(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const project = new Project(folder);
    for (let i = 0; i < 50_000; i++) {
      if (i % 100 === 0) fs.mkdirSync(path.join(project.root, `d${i / 100}`));
      fs.writeFileSync(path.join(project.root, `d${Math.floor(i / 100)}`, `f${i}.txt`), `file ${i}\n`);
    }
    project.commit();
    const repository = await openRepository(project.root);
    if (!repository.ok) throw new Error(repository.failure.message);
    const home = new RepositoryHome(project.home, repository.value.commonGitFolder);
    const [snapshots, statuses]: [number[], number[]] = [[], []];
    for (let round = 0; round < 6; round++) {
      project.write(`d${round}/f${round * 100}.txt`, `edited ${round}`).write(`d${round}/new.txt`, `new ${round}`);
      statuses.push(await seconds(async () => project.git('status', '--porcelain')));
      snapshots.push(
        await seconds(async () => {
          const snapshot = await takeSnapshot(repository.value, home);
          if (!snapshot.ok || !snapshot.value.change.dirty) throw new Error('no snapshot of the dirty tree');
        }),
      );
    }
    const [snapshot, status] = [median(snapshots.slice(1)), median(statuses.slice(1))];
    return [
      {
        what: 'snapshot of a dirty tree of 50,000 files, against git status',
        value: snapshot / status,
        bound: { most: 2, unit: '×' },
        detail: `snapshot ${ms(snapshot)}, git status ${ms(status)}`,
      },
    ];
  });
}

async function seconds(action: () => Promise<unknown>): Promise<number> {
  const began = process.hrtime.bigint();
  await action();
  return Number(process.hrtime.bigint() - began) / 1e9;
}
