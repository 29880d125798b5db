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

describe('a snapshot branch', () => {
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

  it('causes a notice about files of Git LFS with uncommitted changes', async () => {
    shop.write('.gitattributes', '*.png filter=lfs diff=lfs merge=lfs -text\n').commit();
    assert.deepEqual(await lfsNotices(push(), (await delivery.snapshot()).change), []);
    shop.write('cart.js', 'not committed\n');
    const [notice, ...more] = await lfsNotices(push(), (await delivery.snapshot()).change);
    assert.match(notice ?? '', /uses Git LFS, whose files are not pushed with uncommitted changes/);
    assert.deepEqual(more, []);
  });

  it('contains exactly the working tree and changes no other branch', async () => {
    const before = refs();
    shop.write('cart.js', 'not committed\n').write('new.js', 'not even added\n').write('ignored', 'no\n');
    const { change } = await delivery.snapshot();
    const pushed = await pushSnapshot(push(), change.commit, { quietPush: undefined, token: none });
    assert.ok(pushed.ok, pushed.ok ? '' : pushed.failure.message);
    assert.deepEqual(refs(), { ...before, 'refs/heads/deliver/shop-1': change.commit });
    assert.equal(git(bare, 'rev-parse', 'deliver/shop-1^{tree}'), change.tree);
    assert.equal(git(bare, 'show', 'deliver/shop-1:cart.js'), 'not committed');
    assert.equal(git(bare, 'ls-tree', '--name-only', 'deliver/shop-1'), '.gitignore\ncart.js\nnew.js');
    // The user's repository shows no trace of it.
    assert.equal(shop.git('branch', '--all', '--list', '*/deliver/shop-1'), '  remotes/origin/grace/deliver/shop-1\n');
    shop.git('fsck', '--connectivity-only');
    assert.equal(shop.git('status', '--porcelain'), ' M cart.js\n?? new.js\n');
  });

  it('is pushed without tags even with push.followTags', async () => {
    shop.git('config', 'push.followTags', 'true');
    shop.git('tag', '-a', '-m', 'mine', 'v1');
    const { change } = await delivery.snapshot();
    assert.ok((await pushSnapshot(push(), change.commit, { quietPush: undefined, token: none })).ok);
    assert.ok(!('refs/tags/v1' in refs()), Object.keys(refs()).join(' '));
  });

  it('never replaces or removes another branch', async () => {
    const before = refs();
    for (const branch of ['main', 'deliver-tomorrow', 'grace/deliver/shop-1', 'deliver']) {
      await assert.rejects(pushSnapshot(push(branch), 'HEAD', { quietPush: undefined, token: none }), /does not begin with deliver/);
      await assert.rejects(removeBranch(push(branch), none), /does not begin with deliver/);
    }
    assert.deepEqual(refs(), before);
  });

  it('is pushed without hooks', async () => {
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

  it('starts no pipeline of GitLab, and is also pushed to a server without push options', async () => {
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

  describe('that the server rejects', () => {
    const refused = async (said: string): Promise<{ readonly message: string; readonly hint?: string | undefined }> => {
      fs.writeFileSync(path.join(bare, 'hooks', 'pre-receive'), `#!/bin/sh\ncat >&2 <<'END'\n${said}\nEND\nexit 1\n`, { mode: 0o755 });
      const { change } = await delivery.snapshot();
      const pushed = await pushSnapshot(push(), change.commit, { quietPush: undefined, token: none });
      assert.ok(!pushed.ok);
      return pushed.failure;
    };

    // The words of GitHub and GitLab.
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
      ['GitLab: You are not allowed to push code to this project.', /not allowed to push code/, /need permission/],
    ];
    for (const [said, message, hint] of cases)
      it(`gives a hint for the reason '${said.split('\n')[0]?.slice(0, 70)}'`, async () => {
        const failure = await refused(said);
        assert.match(failure.message, message);
        assert.match(failure.hint ?? '', hint);
      });

    for (const [said, hint] of [
      ['git@github.com: Permission denied (publickey).', /git push origin must work without a prompt/],
      ['Host key verification failed.', /git push origin must work without a prompt/],
      ['ERROR: Repository not found.', /git push origin must work without a prompt/],
      ['ERROR: Permission to acme/shop.git denied to grace.', /need permission/],
    ] as const)
      it(`gives a hint for the ssh error '${said}'`, async () => {
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

  describe('that is not needed any more', () => {
    const branches = (): string[] =>
      git(bare, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/deliver/').split('\n').filter(Boolean);
    beforeEach(async () => {
      const { change } = await delivery.snapshot();
      for (const name of ['deliver/shop-1', 'deliver/shop-2', 'deliver/mail-1'])
        assert.ok((await pushSnapshot(push(name), change.commit, { quietPush: undefined, token: none })).ok);
    });

    it('is removed', async () => {
      assert.ok((await removeBranch(push('deliver/shop-1'), none)).ok);
      assert.deepEqual(branches(), ['deliver/mail-1', 'deliver/shop-2']);
    });

    it('may be gone already', async () => {
      git(bare, 'branch', '-D', 'deliver/shop-1');
      const removed = await removeBranch(push('deliver/shop-1'), none);
      assert.ok(removed.ok, removed.ok ? '' : removed.failure.message);
    });

    it('is removed only if it is named', async () => {
      await removeOldBranches(push(), ['deliver/shop-0', 'deliver/shop-1'], none);
      assert.deepEqual(branches(), ['deliver/mail-1', 'deliver/shop-2']);
      await removeOldBranches(push(), [], none);
      assert.deepEqual(branches(), ['deliver/mail-1', 'deliver/shop-2']);
    });

    it('causes a failure if the remote cannot be reached', async () => {
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
      // The credential helpers of this machine must not answer.
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

    it('uses the credentials of git and reads no token', async () => {
      server.accepts = 'grace:hers';
      // The user's settings in the environment stay.
      const helper = '!f() { echo username=grace; echo password=hers; }; f';
      Object.assign(process.env, { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'credential.helper', GIT_CONFIG_VALUE_0: helper });
      const pushed = await send();
      assert.ok(pushed.ok, pushed.ok ? '' : pushed.failure.message);
      assert.equal(asked, 0);
      assert.ok(!server.credentials.some((one) => one?.includes('right')));
    });

    it('uses the token if git has no credentials, and keeps it out of the arguments', async () => {
      const pushed = await send();
      assert.ok(pushed.ok, pushed.ok ? '' : pushed.failure.message);
      assert.equal(asked, 1);
      // The token is sent only after a request without it was rejected.
      assert.equal(server.credentials[0], undefined);
      assert.ok(refs()['refs/heads/deliver/shop-1']);
      const calls = fs.readFileSync(trace, 'utf8');
      assert.match(calls, /"argv":\[[^\]]*"push"/);
      assert.match(calls, /remote-http/);
      assert.ok(!calls.includes('right') && !calls.includes(Buffer.from('oauth2:right').toString('base64')), 'the token was traced');
      assert.ok(!shop.git('config', '--list').includes('xtraheader'), 'the token stays in the configuration');
    });

    it('uses the token if the server rejects the credentials of git', async () => {
      shop.git('config', 'credential.helper', '!f() { echo username=grace; echo password=old; }; f');
      const pushed = await send();
      assert.ok(pushed.ok, pushed.ok ? '' : pushed.failure.message);
      assert.equal(asked, 1);
    });

    it('uses the token if the credentials of git give no access to the repository', async () => {
      server.hidesFrom = 'grace:hers';
      shop.git('config', 'credential.helper', '!f() { echo username=grace; echo password=hers; }; f');
      const pushed = await send();
      assert.ok(pushed.ok, pushed.ok ? '' : pushed.failure.message);
      assert.equal(asked, 1);
    });

    it('sends the token to no other server', async () => {
      const pushed = await send({ host: 'https://gitlab.example.com' });
      assert.ok(!pushed.ok);
      assert.match(pushed.failure.hint ?? '', /git push origin must work without a prompt/);
      assert.deepEqual([...new Set(server.credentials)], [undefined]);
    });

    it('causes a failure that does not show the token if the server rejects it', async () => {
      server.accepts = 'oauth2:another';
      const pushed = await send();
      assert.ok(!pushed.ok);
      assert.match(pushed.failure.message, /^the change could not be pushed to origin/);
      assert.ok(!JSON.stringify(pushed.failure).includes('right'));
    });
  });
});
