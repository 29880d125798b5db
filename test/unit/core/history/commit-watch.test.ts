import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { CommitWatch, type HeldCommit } from '../../../../src/core/history/commit-watch';
import { MadeCommits, PushedCommits } from '../../../../src/core/history/new-commits';
import { openRepository } from '../../../../src/core/git/repository';
import { git as gitIn } from '../../../support/delivery';
import { eventually, temporaryFolder } from '../../../support/temporary';

describe('a watch for new commits', () => {
  const folder = temporaryFolder();
  let root: string;
  let watch: CommitWatch | undefined;
  let found: string[];
  let held: (HeldCommit | undefined)[];

  const git = (...args: string[]): string => gitIn(root, ...args);
  const fails = (...args: string[]): void => assert.throws(() => git(...args));
  const write = (name: string, text: string): void => fs.writeFileSync(path.join(root, name), text);
  const head = (): string => git('rev-parse', 'HEAD');
  const subjects = (): string[] => found.map((commit) => git('log', '-1', '--format=%s', commit));

  function prepare(at: string): void {
    root = at;
    fs.mkdirSync(root, { recursive: true });
    git('init', '-q', '-b', 'main');
    identify();
  }

  function identify(): void {
    git('config', 'user.name', 'Ada');
    git('config', 'user.email', 'ada@example.com');
  }

  function commit(subject: string, file = subject): string {
    write(file, `${subject}\n`);
    git('add', '-A');
    git('commit', '-q', '-m', subject);
    return head();
  }

  async function start(of: 'made' | 'pushed' = 'made'): Promise<void> {
    const repository = await openRepository(root);
    assert.ok(repository.ok);
    const source = of === 'made' ? new MadeCommits(repository.value) : new PushedCommits(repository.value);
    watch = new CommitWatch(repository.value.gitFolder, source, {
      found: (made) => found.push(made.commit),
      held: (now) => held.push(now),
    });
  }

  /** Makes another commit, waits until it is found, and returns those found before it. */
  async function foundUntilNow(): Promise<string[]> {
    const last = commit('the last one');
    await eventually('the last commit is found', () => found.includes(last));
    return subjects().filter((subject) => subject !== 'the last one');
  }

  beforeEach(() => {
    found = [];
    held = [];
    prepare(path.join(folder.path, 'shop'));
    commit('first');
  });
  afterEach(() => watch?.dispose());

  it('finds each commit, also amended, picked, reverted and merged ones', async () => {
    commit('second');
    await start();
    const each = async (make: () => void): Promise<void> => {
      make();
      await eventually(`${head()} is found`, () => found.includes(head()));
    };
    await each(() => commit('third'));
    await each(() => git('commit', '-q', '--amend', '-m', 'third, better'));
    await each(() => git('revert', '--no-edit', 'HEAD'));
    git('checkout', '-q', '-b', 'other', 'HEAD~2');
    await each(() => commit('aside'));
    git('checkout', '-q', 'main');
    await each(() => git('cherry-pick', 'other'));
    git('checkout', '-q', 'other');
    await each(() => commit('aside again'));
    git('checkout', '-q', 'main');
    await each(() => git('merge', '-q', '--no-edit', 'other'));
    assert.equal(found.length, new Set(found).size);
    assert.ok(!subjects().includes('second'), 'an earlier commit is not new');
  });

  it('ignores a checkout, a reset, a stash, a fast-forward, a pull and a fetch', async () => {
    git('clone', '-q', root, path.join(folder.path, 'theirs'));
    gitIn(path.join(folder.path, 'theirs'), '-c', 'user.name=Bo', '-c', 'user.email=b@c', 'commit', '-q', '--allow-empty', '-m', 'of Bo');
    git('remote', 'add', 'origin', path.join(folder.path, 'theirs'));
    git('branch', 'old');
    commit('second');
    git('reset', '-q', '--hard', 'HEAD~1');
    await start();
    git('checkout', '-q', 'old');
    git('checkout', '-q', 'main');
    write('first', 'changed\n');
    git('stash', '-q');
    git('stash', 'drop', '-q');
    git('pull', '-q', '--ff-only', 'origin', 'main');
    git('fetch', '-q', 'origin');
    git('checkout', '-q', 'old');
    git('merge', '-q', 'main');
    git('reset', '-q', '--hard', 'HEAD~1');
    git('rebase', '-q', 'main');
    assert.deepEqual(await foundUntilNow(), []);
  });

  it('waits for the end of a rebase and finds its last commit', async () => {
    git('checkout', '-q', '-b', 'mine');
    commit('mine', 'file');
    git('checkout', '-q', 'main');
    commit('theirs', 'file');
    git('checkout', '-q', 'mine');
    await start();
    fails('rebase', 'main');
    write('file', 'both\n');
    git('add', '-A');
    git('commit', '-q', '-m', 'in the middle');
    await eventually('it waits', () => held.at(-1)?.operation === 'rebase');
    assert.deepEqual(found, []);
    git('-c', 'core.editor=true', 'rebase', '--continue');
    await eventually('it is found', () => found.length > 0);
    assert.deepEqual(found, [head()]);
    assert.equal(held.at(-1), undefined);
  });

  it('ignores the commits of an aborted rebase', async () => {
    git('checkout', '-q', '-b', 'mine');
    commit('mine', 'file');
    git('checkout', '-q', 'main');
    commit('theirs', 'file');
    git('checkout', '-q', 'mine');
    await start();
    fails('rebase', 'main');
    write('file', 'both\n');
    git('add', '-A');
    git('commit', '-q', '-m', 'in the middle');
    await eventually('it waits', () => held.at(-1)?.operation === 'rebase');
    git('rebase', '--abort');
    await eventually('it waits no more', () => held.at(-1) === undefined);
    assert.deepEqual(await foundUntilNow(), []);
  });

  it('finds a merge with conflicts once it is committed', async () => {
    git('checkout', '-q', '-b', 'other');
    commit('theirs', 'file');
    git('checkout', '-q', 'main');
    commit('mine', 'file');
    await start();
    fails('merge', 'other');
    write('file', 'both\n');
    git('add', '-A');
    git('commit', '-q', '--no-edit');
    await eventually('the merge is found', () => found.includes(head()));
    assert.equal(found.length, 1);
  });

  it('ignores a bisection', async () => {
    for (const name of ['second', 'third', 'fourth']) commit(name);
    await start();
    git('bisect', 'start', 'HEAD', 'HEAD~3');
    commit('while looking');
    await eventually('it waits', () => held.at(-1)?.operation === 'bisect');
    git('bisect', 'reset');
    await eventually('it waits no more', () => held.at(-1) === undefined);
    assert.deepEqual(await foundUntilNow(), []);
  });

  it('finds the first commit, and commits after refs were packed and reflogs expired', async () => {
    prepare(path.join(folder.path, 'empty'));
    await start();
    const first = commit('the very first');
    await eventually('the first commit is found', () => found.includes(first));
    git('pack-refs', '--all');
    git('reflog', 'expire', '--expire=all', '--all');
    assert.deepEqual(await foundUntilNow(), ['the very first']);
  });

  it('finds commits without a reflog, but ignores a pull', async () => {
    prepare(path.join(folder.path, 'forgetful'));
    git('config', 'core.logAllRefUpdates', 'false');
    commit('first');
    const theirs = path.join(folder.path, 'theirs');
    git('clone', '-q', root, theirs);
    gitIn(theirs, '-c', 'user.name=Bo', '-c', 'user.email=b@c', 'commit', '-q', '--allow-empty', '-m', 'of Bo');
    await start();
    const second = commit('second');
    await eventually('the commit is found', () => found.includes(second));
    git('reset', '-q', '--hard', 'HEAD~1');
    git('pull', '-q', '--ff-only', theirs, 'main');
    assert.deepEqual(await foundUntilNow(), ['second']);
  });

  it('finds the commits of a linked worktree alone', async () => {
    const main = root;
    git('worktree', 'add', '-q', path.join(folder.path, 'linked'));
    root = path.join(folder.path, 'linked');
    await start();
    gitIn(main, 'commit', '-q', '--allow-empty', '-m', 'in the first');
    assert.deepEqual(await foundUntilNow(), []);
  });

  it('finds commits in a submodule', async () => {
    const inner = root;
    prepare(path.join(folder.path, 'outer'));
    git('submodule', '--quiet', 'add', inner, 'inner');
    root = path.join(root, 'inner');
    identify();
    await start();
    assert.deepEqual(await foundUntilNow(), []);
  });

  describe('for pushed commits', () => {
    const bare = (): string => path.join(folder.path, 'origin.git');

    beforeEach(() => {
      gitIn(folder.path, 'init', '-q', '--bare', bare());
      git('remote', 'add', 'origin', bare());
    });

    it('finds the newest commit of each push of the current branch', async () => {
      git('push', '-q', '-u', 'origin', 'main');
      git('branch', 'other');
      await start('pushed');
      commit('second');
      const third = commit('third');
      git('push', '-q', 'origin', 'main');
      await eventually('the push is found', () => found.includes(third));
      git('commit', '-q', '--allow-empty', '-m', 'kept');
      git('push', '-q', 'origin', 'other');
      const last = commit('the last');
      git('push', '-q');
      await eventually('the last push is found', () => found.includes(last));
      assert.deepEqual(found, [third, last]);
    });

    it('finds the first push of a branch, but no fetched commits', async () => {
      git('push', '-q', '-u', 'origin', 'main');
      const theirs = path.join(folder.path, 'theirs');
      gitIn(folder.path, 'clone', '-q', '-b', 'main', bare(), theirs);
      gitIn(theirs, '-c', 'user.name=Bo', '-c', 'user.email=b@c', 'commit', '-q', '--allow-empty', '-m', 'of Bo');
      gitIn(theirs, 'push', '-q');
      await start('pushed');
      git('pull', '-q', '--ff-only');
      git('checkout', '-q', '-b', 'feature/cart');
      const mine = commit('mine');
      git('push', '-q', '-u', 'origin', 'feature/cart');
      await eventually('the push is found', () => found.includes(mine));
      assert.deepEqual(found, [mine]);
    });
  });
});
