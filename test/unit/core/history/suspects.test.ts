import * as assert from 'node:assert/strict';
import { describeChange, revertChange } from '../../../../src/core/git/revert';
import { findSuspects, type Suspect } from '../../../../src/core/history/suspects';
import { Delivery, git } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

describe('the list of suspects', () => {
  const folder = temporaryFolder();
  let project: Project;
  const head = (): string => git(project.root, 'rev-parse', 'HEAD');
  const change = (file: string, text: string, subject: string): string => {
    project.write(file, text);
    git(project.root, 'add', '-A');
    git(project.root, 'commit', '-q', '-m', subject);
    return head();
  };
  const suspects = async (good: string | undefined, bad: string, scene = { path: 'src/a.ts', stack: ['src/b.ts'] }): Promise<Suspect[]> => {
    const delivery = await Delivery.from(project.root, project.home);
    const found = await findSuspects(delivery.repository, delivery.home, good, bad, scene);
    assert.ok(found.ok);
    return found.value;
  };
  const names = (found: readonly Suspect[]): string[] => found.map(({ subject, touches }) => `${subject}: ${touches}`);

  beforeEach(() => {
    project = new Project(folder.path)
      .write('src/a.ts', 'a')
      .write('src/b.ts', 'b')
      .write('README.md', 'r')
      .steps({ test: 'true' })
      .commit();
    git(project.root, 'config', 'user.name', 'Ada');
    git(project.root, 'config', 'user.email', 'ada@example.com');
  });

  it('contains the changes since the last good run, first those of its place, then of its stack', async () => {
    const good = head();
    change('README.md', 'r2', 'Explain');
    change('src/a.ts', 'a2', 'Change the place');
    change('src/b.ts', 'b2', 'Change what it calls');
    const found = await suspects(good, head());
    assert.deepEqual(names(found), ['Change the place: place', 'Change what it calls: stack', 'Explain: other']);
    assert.deepEqual(found[0]?.files, ['src/a.ts']);
    assert.equal(found[0].author, 'Ada');
  });

  it('leaves out changes that were undone in between', async () => {
    const good = head();
    change('src/a.ts', 'a2', 'Break it');
    change('src/a.ts', 'a', 'Mend it');
    change('src/b.ts', 'b2', 'Something else');
    assert.deepEqual(names(await suspects(good, head())), ['Something else: stack']);
  });

  it('contains uncommitted changes', async () => {
    const good = head();
    project.write('src/a.ts', 'a2');
    const delivery = await Delivery.from(project.root, project.home);
    const { change: snapshot } = await delivery.snapshot();
    const found = await suspects(good, snapshot.commit);
    assert.equal(found.length, 1);
    assert.match(names(found)[0] ?? '', /^Uncommitted changes on .*: place$/);
  });

  it('contains only the failed change if no run was good', async () => {
    const bad = change('src/a.ts', 'a2', 'Change the place');
    assert.deepEqual(names(await suspects(undefined, bad)), ['Change the place: place']);
  });

  it('is empty if nothing changed', async () => {
    assert.deepEqual(await suspects(head(), head()), []);
  });

  it('contains files with any name', async () => {
    const good = head();
    change('src/with space\nand "quotes" é.ts', 'x', 'Odd names');
    assert.deepEqual((await suspects(good, head()))[0]?.files, ['src/with space\nand "quotes" é.ts']);
  });

  it('has suspects that can be reverted', async () => {
    const bad = change('src/a.ts', 'a2', 'Break it');
    change('src/b.ts', 'b2', 'Something else');
    const { repository } = await Delivery.from(project.root, project.home);
    const summary = await describeChange(repository, bad);
    assert.match(summary.ok ? summary.value : '', /Break it\nAda, .*\n\n src\/a\.ts \| 2 \+-/);
    const reverted = await revertChange(repository, bad);
    assert.ok(reverted.ok);
    assert.equal(git(project.root, 'show', 'HEAD:src/a.ts'), 'a');
    assert.match(git(project.root, 'log', '-1', '--format=%B'), /Revert "Break it"\n\nThis reverts commit/);
  });

  it('has suspects that stay untouched if a revert has conflicts', async () => {
    const bad = change('src/a.ts', 'a2', 'Break it');
    change('src/a.ts', 'a3', 'Build on it');
    const before = head();
    const { repository } = await Delivery.from(project.root, project.home);
    const reverted = await revertChange(repository, bad);
    assert.ok(!reverted.ok);
    assert.match(reverted.failure.message, /cannot be reverted automatically: later changes touch the same lines/);
    assert.equal(head(), before);
    assert.equal(git(project.root, 'status', '--porcelain'), '');
  });
});
