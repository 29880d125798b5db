import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Delivery, git } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

describe('a snapshot of the working tree', () => {
  const folder = temporaryFolder();
  let project: Project;
  let delivery: Delivery;

  beforeEach(async () => {
    project = new Project(folder.path).write('a.txt', 'a').write('b.txt', 'b').commit('First');
    delivery = await Delivery.from(project.root, project.home);
  });

  const nest = (name: string): string => {
    const nested = path.join(project.root, name);
    fs.mkdirSync(nested, { recursive: true });
    git(nested, 'init', '-q');
    for (const [key, value] of Object.entries({ 'user.name': 'T', 'user.email': 't@example.com' })) git(nested, 'config', key, value);
    fs.writeFileSync(path.join(nested, 'n.txt'), 'committed');
    git(nested, 'add', '-A');
    git(nested, 'commit', '-qm', 'Nested');
    return nested;
  };

  it('contains the uncommitted changes of nested repositories, at any depth, and names them', async () => {
    const inner = nest('mod/inner');
    const outer = nest('mod');
    fs.writeFileSync(path.join(outer, 'n.txt'), 'edited');
    fs.writeFileSync(path.join(inner, 'n.txt'), 'edited too');
    const slot = await delivery.slotNow();
    assert.equal(fs.readFileSync(path.join(slot.root, 'mod/n.txt'), 'utf8'), 'edited');
    assert.equal(fs.readFileSync(path.join(slot.root, 'mod/inner/n.txt'), 'utf8'), 'edited too');
    assert.deepEqual(slot.notices, [
      'mod is a git repository that .gitmodules does not list: its uncommitted changes are delivered too',
      'mod: inner is a git repository that .gitmodules does not list: its uncommitted changes are delivered too',
    ]);
    assert.equal(git(outer, 'status', '--porcelain', 'n.txt'), ' M n.txt');
  });

  it('contains the uncommitted changes of a nested repository that is committed as one', async () => {
    const nested = nest('mod');
    git(project.root, 'add', 'mod');
    project.commit('With a nested repository');
    assert.deepEqual((await delivery.snapshot()).notices, []);
    fs.writeFileSync(path.join(nested, 'n.txt'), 'edited');
    const snapshot = await delivery.snapshot();
    assert.equal(snapshot.change.dirty, true);
    assert.match(snapshot.notices.join(), /^mod is a git repository/);
    const slot = await delivery.slotNow();
    assert.equal(fs.readFileSync(path.join(slot.root, 'mod/n.txt'), 'utf8'), 'edited');
  });

  it('contains the changes of nested repositories whose git folder is elsewhere', async () => {
    const separate = nest('separate');
    git(separate, 'init', '-q', '--separate-git-dir', path.join(folder.path, 'elsewhere'));
    git(project.root, 'worktree', 'add', '-q', '-b', 'tree', 'wörk tree');
    fs.writeFileSync(path.join(separate, 'n.txt'), 'edited');
    fs.writeFileSync(path.join(project.root, 'wörk tree', 'a.txt'), 'edited');
    const slot = await delivery.slotNow();
    assert.equal(fs.readFileSync(path.join(slot.root, 'separate/n.txt'), 'utf8'), 'edited');
    assert.equal(fs.readFileSync(path.join(slot.root, 'wörk tree/a.txt'), 'utf8'), 'edited');
    assert.equal(slot.notices.length, 2);
  });

  for (const flag of ['skip-worktree', 'assume-unchanged'] as const) {
    it(`names the changed files that git ignores because of ${flag}`, async () => {
      git(project.root, 'update-index', `--${flag}`, 'a.txt', 'b.txt');
      assert.deepEqual((await delivery.snapshot()).notices, []);
      project.write('a.txt', 'x');
      assert.deepEqual((await delivery.snapshot()).notices, [
        `not delivered: the changes of a.txt, which git ignores (${flag}). git update-index --no-${flag} FILE ends that.`,
      ]);
    });
  }

  for (const flag of ['skip-worktree', 'assume-unchanged'] as const) {
    it(`names deleted files, changed links and odd names that git ignores because of ${flag}`, async () => {
      fs.symlinkSync('a.txt', path.join(project.root, 'link'));
      project.write('l\nb.txt', 'b').commit();
      git(project.root, 'update-index', `--${flag}`, 'a.txt', 'b.txt', 'link', 'l\nb.txt');
      assert.deepEqual((await delivery.snapshot()).notices, []);
      fs.rmSync(path.join(project.root, 'a.txt'));
      fs.rmSync(path.join(project.root, 'link'));
      fs.symlinkSync('b.txt', path.join(project.root, 'link'));
      assert.match((await delivery.snapshot()).notices.join(), /changes of a\.txt, link,/);
    });
  }

  it('names no file that a sparse working copy lacks', async () => {
    git(project.root, 'sparse-checkout', 'set', '--no-cone', '/b.txt');
    assert.equal(fs.existsSync(path.join(project.root, 'a.txt')), false);
    assert.deepEqual((await delivery.snapshot()).notices, []);
  });
});

describe('the git settings and variables of the user', () => {
  const folder = temporaryFolder();
  const before = { ...process.env };
  let project: Project;
  let config: string;

  beforeEach(() => {
    config = path.join(folder.path, 'gitconfig');
    fs.writeFileSync(config, '');
    process.env['GIT_CONFIG_GLOBAL'] = config;
    const library = new Project(folder.path, 'library').write('x.txt', 'x').commit('Library');
    project = new Project(folder.path).write('a.txt', 'ä\n').commit('First');
    git(project.root, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', library.root, 'sub');
    project.commit('With sub').write('a.txt', 'changed\n');
  });

  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });

  async function delivered(): Promise<{ readonly change: object; readonly files: string[]; readonly notices: readonly string[] }> {
    const delivery = await Delivery.from(project.root, project.home);
    const snapshot = await delivery.snapshot();
    const slot = await delivery.slot(snapshot);
    slot.release();
    const names = fs.readdirSync(slot.root, { recursive: true, encoding: 'utf8' });
    const files = names.filter((name) => !/(^|\/)\.git(\/|$)/.test(name) && fs.statSync(path.join(slot.root, name)).isFile()).sort();
    return { change: snapshot.change, files, notices: slot.notices };
  }

  const settings = [
    'submodule.recurse=true',
    'safe.bareRepository=explicit',
    'core.fsmonitor=/nonexistent',
    'core.hooksPath=/nonexistent',
    'status.showUntrackedFiles=no',
    'diff.external=/nonexistent',
    'diff.noprefix=true',
    'diff.ignoreSubmodules=all',
    'log.showSignature=true',
    'log.follow=true',
    'fetch.prune=true',
    'color.ui=always',
    'core.quotePath=true',
    'core.splitIndex=true',
    'i18n.logOutputEncoding=latin1',
    'init.defaultBranch=x',
    'init.templateDir=/nonexistent',
    'commit.gpgSign=true',
    'advice.addEmbeddedRepo=false',
  ];
  for (const setting of settings) {
    it(`neither break nor change a delivery: ${setting}`, async () => {
      const expected = await delivered();
      assert.deepEqual(expected.files, ['.gitmodules', 'a.txt', 'sub/x.txt']);
      const at = setting.indexOf('=');
      git(folder.path, 'config', '--file', config, setting.slice(0, at), setting.slice(at + 1));
      assert.deepEqual(await delivered(), expected);
    });
  }

  it('leave a delivery as it is if another tool exports them', async () => {
    const expected = await delivered();
    const elsewhere = new Project(path.join(folder.path, 'other')).write('z.txt', 'z').commit('Other');
    Object.assign(process.env, {
      GIT_DIR: path.join(elsewhere.root, '.git'),
      GIT_WORK_TREE: elsewhere.root,
      GIT_INDEX_FILE: path.join(elsewhere.root, '.git', 'index'),
      GIT_OBJECT_DIRECTORY: path.join(elsewhere.root, '.git', 'objects'),
      GIT_NAMESPACE: 'x',
      GIT_CONFIG: config,
      GIT_LITERAL_PATHSPECS: '1',
    });
    assert.deepEqual(await delivered(), expected);
  });

  it('apply in the checkout too if they come from includeIf or from the configuration of the worktree', async () => {
    const included = path.join(folder.path, 'work.gitconfig');
    fs.writeFileSync(included, '[user]\n\temail = work@example.com\n');
    git(project.root, 'config', '--unset', 'user.email');
    git(folder.path, 'config', '--file', config, `includeIf.gitdir:${project.root}/.path`, included);
    git(project.root, 'config', 'extensions.worktreeConfig', 'true');
    git(project.root, 'config', '--worktree', 'user.name', 'Worktree');
    const delivery = await Delivery.from(project.root, project.home);
    const { root } = await delivery.slotNow();
    assert.equal(git(root, 'config', 'user.email'), 'work@example.com');
    assert.equal(git(root, 'config', 'user.name'), 'Worktree');
  });
});
