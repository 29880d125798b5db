import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import {
  lfsNotices,
  pushSnapshot,
  removeBranch,
  removeOldBranches,
  type GitToken,
  type Push,
} from '../../../../src/core/git/snapshot-branch';
import type { Result } from '../../../../src/core/model/result';
import { Delivery, git } from '../../../support/delivery';
import { GitServer, gitBackend } from '../../../support/git-server';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

const none = async (): Promise<undefined> => Promise.resolve(undefined);

describe('what is delivered on a CI service', () => {
  const folder = temporaryFolder();
  let shop: Project;
  let delivery: Delivery;
  let bare: string;

  beforeEach(async () => {
    shop = new Project(folder.path);
    shop.write('.gitignore', 'ignored\n').write('cart.js', 'committed\n').commit();
    bare = path.join(folder.path, 'remotes', 'shop.git');
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare]);
    git(bare, 'config', 'http.receivepack', 'true');
    shop.git('remote', 'add', 'origin', bare);
    shop.git('push', '-q', 'origin', 'main');
    shop.git('push', '-q', 'origin', 'main:refs/heads/deliver-tomorrow', 'main:refs/heads/grace/deliver/shop-1');
    delivery = await Delivery.from(shop.root, shop.home);
  });

  const push = (branch = 'deliver/shop-1'): Push => ({ repository: delivery.repository, home: delivery.home, remote: 'origin', branch });
  const refs = (): Record<string, string> =>
    Object.fromEntries(
      git(bare, 'for-each-ref', '--format=%(refname) %(objectname)')
        .split('\n')
        .map((line) => line.split(' ') as [string, string]),
    );

  it('says that what is new in files of Git LFS does not come with it', async () => {
    shop.write('.gitattributes', '*.png filter=lfs diff=lfs merge=lfs -text\n').commit();
    assert.deepEqual(await lfsNotices(push(), (await delivery.snapshot()).change), []);
    shop.write('cart.js', 'not committed\n');
    const [notice, ...more] = await lfsNotices(push(), (await delivery.snapshot()).change);
    assert.match(notice ?? '', /uses Git LFS, whose files are not pushed with uncommitted changes/);
    assert.deepEqual(more, []);
  });

  it('arrives on a branch of its own as exactly the working tree, and on no other', async () => {
    const before = refs();
    shop.write('cart.js', 'not committed\n').write('new.js', 'not even added\n').write('ignored', 'no\n');
    const { change } = await delivery.snapshot();
    const pushed = await pushSnapshot(push(), change.commit, { quietPush: undefined, token: none });
    assert.ok(pushed.ok, pushed.ok ? '' : pushed.failure.message);
    assert.deepEqual(refs(), { ...before, 'refs/heads/deliver/shop-1': change.commit });
    assert.equal(git(bare, 'rev-parse', 'deliver/shop-1^{tree}'), change.tree);
    assert.equal(git(bare, 'show', 'deliver/shop-1:cart.js'), 'not committed');
    assert.equal(git(bare, 'ls-tree', '--name-only', 'deliver/shop-1'), '.gitignore\ncart.js\nnew.js');
    // Nothing of it is to be seen in the user's repository.
    assert.equal(shop.git('branch', '--all', '--list', '*/deliver/shop-1'), '  remotes/origin/grace/deliver/shop-1\n');
    shop.git('fsck', '--connectivity-only');
    assert.equal(shop.git('status', '--porcelain'), ' M cart.js\n?? new.js\n');
  });

  it('brings no tag with it, though the user has tags follow what he pushes', async () => {
    shop.git('config', 'push.followTags', 'true');
    shop.git('tag', '-a', '-m', 'mine', 'v1');
    const { change } = await delivery.snapshot();
    assert.ok((await pushSnapshot(push(), change.commit, { quietPush: undefined, token: none })).ok);
    assert.ok(!('refs/tags/v1' in refs()), Object.keys(refs()).join(' '));
  });

  it("is never pushed to anybody's branch, nor is one removed", async () => {
    const before = refs();
    for (const branch of ['main', 'deliver-tomorrow', 'grace/deliver/shop-1', 'deliver']) {
      await assert.rejects(pushSnapshot(push(branch), 'HEAD', { quietPush: undefined, token: none }), /is no branch of ours/);
      await assert.rejects(removeBranch(push(branch), none), /is no branch of ours/);
    }
    assert.deepEqual(refs(), before);
  });

  it('runs no hook of the repository', async () => {
    const mark = path.join(folder.path, 'ran');
    shop.write('.git/hooks/pre-push', `#!/bin/sh\ntouch '${mark}'\nexit 1\n`);
    fs.chmodSync(path.join(shop.root, '.git/hooks/pre-push'), 0o755);
    assert.throws(() => git(shop.root, 'push', '-q', 'origin', 'HEAD:refs/heads/other'));
    fs.rmSync(mark);
    const { change } = await delivery.snapshot();
    assert.ok((await pushSnapshot(push(), change.commit, { quietPush: undefined, token: none })).ok);
    assert.ok((await removeBranch(push(), none)).ok);
    assert.equal(fs.existsSync(mark), false);
  });

  it('is pushed to GitLab so that it starts nothing, and to a server that knows no such options as well', async () => {
    const options = path.join(folder.path, 'options');
    fs.writeFileSync(
      path.join(bare, 'hooks', 'pre-receive'),
      `#!/bin/sh\necho "$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_0" >> '${options}'\n`,
      {
        mode: 0o755,
      },
    );
    const { change } = await delivery.snapshot();
    git(bare, 'config', 'receive.advertisePushOptions', 'true');
    assert.ok((await pushSnapshot(push('deliver/shop-1'), change.commit, { quietPush: 'ci.skip', token: none })).ok);
    git(bare, 'config', 'receive.advertisePushOptions', 'false');
    assert.ok((await pushSnapshot(push('deliver/shop-2'), change.commit, { quietPush: 'ci.skip', token: none })).ok);
    assert.deepEqual(fs.readFileSync(options, 'utf8').split('\n'), ['1 ci.skip', '0 ', '']);
    assert.equal(refs()['refs/heads/deliver/shop-2'], change.commit);
  });

  describe('says what the server has against it, and what helps', () => {
    const refused = async (said: string): Promise<{ readonly message: string; readonly hint?: string | undefined }> => {
      fs.writeFileSync(path.join(bare, 'hooks', 'pre-receive'), `#!/bin/sh\ncat >&2 <<'END'\n${said}\nEND\nexit 1\n`, { mode: 0o755 });
      const { change } = await delivery.snapshot();
      const pushed = await pushSnapshot(push(), change.commit, { quietPush: undefined, token: none });
      assert.ok(!pushed.ok);
      return pushed.failure;
    };

    // As GitHub and GitLab say it.
    const cases: readonly (readonly [said: string, message: RegExp, hint: RegExp])[] = [
      [
        '',
        /^the change could not be pushed to origin: git push failed: pre-receive hook declined$/,
        /permission to push branches that begin with deliver\//,
      ],
      [
        'refusing to allow a Personal Access Token to create or update workflow `.github/workflows/a.yml` without `workflow` scope',
        /without `workflow` scope$/,
        /needs the scope workflow/,
      ],
      ['GitLab: LFS objects are missing. Ensure LFS is properly set up', /LFS objects are missing/, /git lfs push origin HEAD/],
      [
        'error: GH008: Your push referenced at least 1 unknown Git LFS object:\n    4d7a214614ab',
        /GH008: Your push referenced.*; 4d7a/,
        /git lfs push origin HEAD/,
      ],
      [
        'error: GH013: Repository rule violations found for refs/heads/deliver/shop-1.\n\n- Cannot create ref due to creations being restricted.',
        /GH013.*; - Cannot create ref/,
        /a rule of the repository/,
      ],
      ["GitLab: Branch name 'deliver/shop-1' does not follow the pattern 'x'", /does not follow the pattern/, /a rule of the repository/],
      ['GitLab: You are not allowed to push code to this project.', /not allowed to push code/, /takes permission/],
    ];
    for (const [said, message, hint] of cases)
      it(said === '' ? 'without a word' : (said.split('\n')[0]?.slice(0, 70) ?? ''), async () => {
        const failure = await refused(said);
        assert.match(failure.message, message);
        assert.match(failure.hint ?? '', hint);
      });

    for (const [said, hint] of [
      ['git@github.com: Permission denied (publickey).', /git push origin has to work without a question/],
      ['Host key verification failed.', /git push origin has to work without a question/],
      ['ERROR: Repository not found.', /git push origin has to work without a question/],
      ['ERROR: Permission to acme/shop.git denied to grace.', /takes permission/],
    ] as const)
      it(`over ssh: ${said}`, async () => {
        const ssh = path.join(folder.path, 'ssh');
        fs.writeFileSync(ssh, `#!/bin/sh\necho '${said}' >&2\nexit 255\n`, { mode: 0o755 });
        shop.git('remote', 'set-url', 'origin', 'git@github.com:acme/shop.git');
        shop.git('config', 'core.sshCommand', ssh);
        const { change } = await delivery.snapshot();
        const pushed = await pushSnapshot(push(), change.commit, { quietPush: undefined, token: none });
        assert.ok(!pushed.ok);
        assert.equal(pushed.failure.message, `the change could not be pushed to origin: git push failed: ${said}`);
        assert.match(pushed.failure.hint ?? '', hint);
      });
  });

  describe('when it is done', () => {
    const branches = (): string[] =>
      git(bare, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/deliver/').split('\n').filter(Boolean);
    beforeEach(async () => {
      const { change } = await delivery.snapshot();
      for (const name of ['deliver/shop-1', 'deliver/shop-2', 'deliver/mail-1'])
        assert.ok((await pushSnapshot(push(name), change.commit, { quietPush: undefined, token: none })).ok);
    });

    it('leaves no branch', async () => {
      assert.ok((await removeBranch(push('deliver/shop-1'), none)).ok);
      assert.deepEqual(branches(), ['deliver/mail-1', 'deliver/shop-2']);
    });

    it('takes no harm from a branch that is gone', async () => {
      git(bare, 'branch', '-D', 'deliver/shop-1');
      const removed = await removeBranch(push('deliver/shop-1'), none);
      assert.ok(removed.ok, removed.ok ? '' : removed.failure.message);
    });

    it('removes of old branches those that are named, and no others', async () => {
      await removeOldBranches(push(), ['deliver/shop-0', 'deliver/shop-1'], none);
      assert.deepEqual(branches(), ['deliver/mail-1', 'deliver/shop-2']);
      await removeOldBranches(push(), [], none);
      assert.deepEqual(branches(), ['deliver/mail-1', 'deliver/shop-2']);
    });

    it('fails, and does not crash, where the remote is away', async () => {
      shop.git('remote', 'set-url', 'origin', path.join(folder.path, 'nowhere'));
      assert.equal((await removeBranch(push('deliver/shop-1'), none)).ok, false);
      await removeOldBranches(push(), ['deliver/shop-1'], none);
    });
  });

  const backend = gitBackend();
  (backend === undefined ? describe.skip : describe)('over HTTP', () => {
    let server: GitServer;
    let trace: string;
    let asked: number;
    const before = { ...process.env };

    beforeEach(async () => {
      server = await new GitServer(path.dirname(bare), backend ?? '').start();
      shop.git('remote', 'set-url', 'origin', `${server.url}/shop.git`);
      trace = path.join(folder.path, 'trace');
      asked = 0;
      // What this machine would answer for its user is none of the test's.
      for (const name of ['GIT_ASKPASS', 'SSH_ASKPASS', 'http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY']) delete process.env[name];
      Object.assign(process.env, { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TRACE2_EVENT: trace });
    });
    afterEach(async () => {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
      await server.stop();
    });

    const send = async (own: Partial<GitToken> = {}): Promise<Result<void>> => {
      const { change } = await delivery.snapshot();
      const token = async (): Promise<GitToken> => {
        asked++;
        return Promise.resolve({ host: server.url, user: 'oauth2', token: 'right', ...own });
      };
      return pushSnapshot(push(), change.commit, { quietPush: undefined, token });
    };

    it('goes with the credentials that git has, and asks for no token', async () => {
      server.accepts = 'grace:hers';
      // Settings of the user's own in the same place stay.
      const helper = '!f() { echo username=grace; echo password=hers; }; f';
      Object.assign(process.env, { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'credential.helper', GIT_CONFIG_VALUE_0: helper });
      const pushed = await send();
      assert.ok(pushed.ok, pushed.ok ? '' : pushed.failure.message);
      assert.equal(asked, 0);
      assert.ok(!server.credentials.some((one) => one?.includes('right')));
    });

    it('goes with the token where git has none, and the token stands in no argument', async () => {
      const pushed = await send();
      assert.ok(pushed.ok, pushed.ok ? '' : pushed.failure.message);
      assert.equal(asked, 1);
      // Only a request that was turned down without it is followed by one with it.
      assert.equal(server.credentials[0], undefined);
      assert.ok(refs()['refs/heads/deliver/shop-1']);
      const calls = fs.readFileSync(trace, 'utf8');
      assert.match(calls, /"argv":\[[^\]]*"push"/);
      assert.match(calls, /remote-http/);
      assert.ok(!calls.includes('right') && !calls.includes(Buffer.from('oauth2:right').toString('base64')), 'the token was traced');
      assert.ok(!shop.git('config', '--list').includes('xtraheader'), 'the token stays in the configuration');
    });

    it('goes with the token where the credentials of git are refused', async () => {
      shop.git('config', 'credential.helper', '!f() { echo username=grace; echo password=old; }; f');
      const pushed = await send();
      assert.ok(pushed.ok, pushed.ok ? '' : pushed.failure.message);
      assert.equal(asked, 1);
    });

    it('goes with the token where those of git are of somebody whom the repository is not shown', async () => {
      server.hidesFrom = 'grace:hers';
      shop.git('config', 'credential.helper', '!f() { echo username=grace; echo password=hers; }; f');
      const pushed = await send();
      assert.ok(pushed.ok, pushed.ok ? '' : pushed.failure.message);
      assert.equal(asked, 1);
    });

    it('sends the token to no other server', async () => {
      const pushed = await send({ host: 'https://gitlab.example.com' });
      assert.ok(!pushed.ok);
      assert.match(pushed.failure.hint ?? '', /git push origin has to work without a question/);
      assert.deepEqual([...new Set(server.credentials)], [undefined]);
    });

    it('says so when the token is refused, without naming it', async () => {
      server.accepts = 'oauth2:another';
      const pushed = await send();
      assert.ok(!pushed.ok);
      assert.match(pushed.failure.message, /^the change could not be pushed to origin/);
      assert.ok(!JSON.stringify(pushed.failure).includes('right'));
    });
  });
});
