import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { belongsTo, claim, honour, isSameRepository, ownerOf, ownReleases } from '../../../../src/core/environments/owner';
import { openRepository } from '../../../../src/core/git/repository';
import type { Owner } from '../../../../src/core/model/environment-status';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

describe('the owner of a service', () => {
  const folder = temporaryFolder();
  const at = (name: string, more: Partial<Owner> = {}): Owner => ({ folder: `/${name}`, gitFolder: `/${name}/.git`, ...more });
  const place = { service: 'shop', environment: 'staging' };

  const ownerAt = async (root: string): Promise<Owner> => {
    const repository = await openRepository(root);
    assert.ok(repository.ok);
    return ownerOf(repository.value);
  };
  const made = (name: string): Project => new Project(folder.path, name).write('a', name).commit();

  it('is the same for worktrees, and for clones of one origin', () => {
    assert.ok(isSameRepository(at('a'), at('b', { gitFolder: '/a/.git' })));
    assert.ok(isSameRepository(at('a', { origin: 'https://host/x' }), at('b', { origin: 'https://host/x' })));
    assert.ok(isSameRepository(at('a'), at('b', { origin: '/a' })));
    assert.ok(isSameRepository(at('worktree', { gitFolder: '/a/.git' }), at('b', { origin: '/a' })));
    assert.ok(isSameRepository(at('b', { origin: '/a' }), at('c', { origin: '/b' })));
  });

  it('differs for unrelated repositories and for forks', () => {
    assert.ok(!isSameRepository(at('a'), at('b')));
    assert.ok(!isSameRepository(at('a', { origin: 'https://host/x' }), at('b', { origin: 'https://host/y' })));
  });

  it('names its origin in one spelling', async () => {
    const shop = made('shop');
    shop.git('remote', 'add', 'origin', 'git@example.com:team/shop.git');
    const { origin, head } = await ownerAt(shop.root);
    assert.deepEqual([origin, head], ['https://example.com/team/shop', shop.git('rev-parse', 'HEAD').trim()]);
  });

  for (const [url, origin] of [
    ['https://user:secret@example.com/Team/Shop.git', 'https://example.com/team/shop'],
    ['work:team/shop', 'work:team/shop'],
    ['file:///srv/git/shop/', '/srv/git/shop'],
    ['../origin/', 'origin'],
  ] as const)
    it(`reads the origin ${url}`, async () => {
      const shop = made('shop');
      shop.git('remote', 'add', 'origin', url);
      const { origin: read, folder: root } = await ownerAt(shop.root);
      assert.equal(read, origin === 'origin' ? path.join(path.dirname(root), origin) : origin);
    });

  it('stays the same when its folder is moved', async () => {
    const before = await ownerAt(made('shop').root);
    fs.renameSync(before.folder, path.join(folder.path, 'moved'));
    const after = await ownerAt(path.join(folder.path, 'moved'));
    assert.deepEqual(await claim(place, before, after, false), { ok: true, value: { owner: after, formerly: before.gitFolder } });
  });

  it('is another one for a copy, while the original is there', async () => {
    const original = made('shop').root;
    const copy = path.join(folder.path, 'copy');
    execFileSync('cp', ['-r', original, copy]);
    assert.equal(await belongsTo(await ownerAt(original), await ownerAt(copy)), false);
  });

  it('adopts services without an owner', async () => {
    assert.ok(await belongsTo(undefined, at('a')));
    assert.ok(honour(place, undefined, { owner: at('a') }).ok);
  });

  it('refuses a service of another repository, with both folders and what to do', async () => {
    assert.deepEqual(await claim(place, at('theirs'), at('ours'), false), {
      ok: false,
      failure: {
        kind: 'usage',
        message: 'shop in staging belongs to another repository: /theirs. This repository is /ours',
        hint: 'rename the service in delivery.yaml, or replace the other service with --take-over',
      },
    });
    assert.deepEqual(await claim(place, at('theirs'), at('ours'), true), { ok: true, value: { owner: at('ours'), takesOver: true } });
  });

  it('rolls back only to its own releases', () => {
    const releases = [{ owner: at('theirs') }, { owner: at('ours') }, {}];
    assert.deepEqual(ownReleases(releases, { owner: at('ours'), takesOver: true }), [{ owner: at('ours') }, {}]);
    assert.deepEqual(ownReleases(releases.slice(0, 1), { owner: at('ours'), formerly: '/theirs/.git' }), [{ owner: at('ours') }]);
  });
});
