import * as assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { execGit, git } from '../../../../src/core/git/git';
import { openRepository } from '../../../../src/core/git/repository';
import { findServices } from '../../../../src/core/pipeline/locate';
import type { Failure, Result } from '../../../../src/core/model/result';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

function failureOf(result: Result<unknown>): Failure {
  assert.ok(!result.ok, 'it did not fail');
  return result.failure;
}

describe('a call of git', () => {
  const folder = temporaryFolder();
  let project: Project;
  let call: { readonly folder: string };
  const set = new Map<string, string | undefined>();

  beforeEach(() => {
    project = new Project(folder.path).write('a.txt', 'a').commit('First');
    call = { folder: project.root };
  });

  afterEach(() => {
    for (const [name, value] of set) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    set.clear();
  });

  function setVariable(name: string, value: string): void {
    set.set(name, process.env[name]);
    process.env[name] = value;
  }

  /** Puts a program into the folder that writes its arguments and one variable to a file. */
  function program(name: string, script: string): string {
    const file = path.join(folder.path, name);
    fs.writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return file;
  }

  it('returns exactly what git prints', async () => {
    project.write('name with spaces ', 'ä\n\n').commit('Sübject');
    const [client, exec] = await Promise.all([
      git(call, (each) => each.raw(['ls-tree', '-z', '--name-only', 'HEAD'])),
      execGit(['ls-tree', '-z', '--name-only', 'HEAD'], call),
    ]);
    assert.deepEqual(client, { ok: true, value: 'a.txt\0name with spaces \0' });
    assert.deepEqual(exec, client);
    assert.deepEqual(await git(call, (each) => each.show(['--no-patch', '--format=%s'])), { ok: true, value: 'Sübject\n' });
  });

  it('returns a failure with the first error of git', async () => {
    for (const result of [
      await git(call, (client) => client.raw(['log', 'no-such-branch', '--'])),
      await execGit(['log', 'no-such-branch', '--'], call),
    ])
      assert.deepEqual(failureOf(result), { kind: 'machinery', message: "git log failed: bad revision 'no-such-branch'" });
  });

  it('fails where git fails without a word', async () => {
    assert.match(failureOf(await git(call, (client) => client.getConfig('no.such'))).message, /^git config failed: it gave no reason$/);
    assert.equal((await execGit(['config', '--get', 'no.such'], call)).ok, false);
  });

  it('fails with a hint where git cannot be started', async () => {
    const missing = { folder: path.join(folder.path, 'missing') };
    for (const result of [await git(missing, (client) => client.status()), await execGit(['status'], missing)])
      assert.match(failureOf(result).message, /^git could not be started in .*missing$/);
    setVariable('PATH', '/nowhere');
    for (const result of [await git(call, (client) => client.status()), await execGit(['status'], call)])
      assert.match(failureOf(result).hint ?? '', /Deliver needs git/);
  });

  it('throws what is no failure of git', async () => {
    await assert.rejects(
      git(call, async () => Promise.reject(new TypeError('a bug'))),
      TypeError,
    );
  });

  it('accepts a private index and object store', async () => {
    const env = { GIT_INDEX_FILE: path.join(folder.path, 'index'), GIT_LITERAL_PATHSPECS: '1' };
    project.write('*.txt', 'literal');
    const added = await git({ ...call, env }, async (client) => {
      await client.raw(['add', '--', '*.txt']);
      return client.raw(['ls-files']);
    });
    assert.deepEqual(added, { ok: true, value: '*.txt\n' });
    assert.equal(project.git('status', '--porcelain'), '?? *.txt\n');
  });

  it('uses the repository of its folder whatever a git hook left in the environment', async () => {
    const other = new Project(path.join(folder.path, 'other')).commit('Other');
    project.write('delivery.yaml', 'service: shop\n');
    for (const name of ['GIT_DIR', 'GIT_COMMON_DIR']) setVariable(name, path.join(other.root, '.git'));
    setVariable('GIT_WORK_TREE', other.root);
    setVariable('GIT_INDEX_FILE', path.join(other.root, '.git', 'index'));
    assert.deepEqual(await git(call, (client) => client.show(['--no-patch', '--format=%s'])), { ok: true, value: 'First\n' });
    assert.deepEqual(await execGit(['log', '-1', '--format=%s'], call), { ok: true, value: 'First\n' });
    const opened = await openRepository(project.root);
    assert.equal(opened.ok && opened.value.root, fs.realpathSync(project.root));
    assert.deepEqual(await findServices(project.root), [{ folder: '', file: 'delivery.yaml' }]);
  });

  it('accepts every variable that the user may have set for git', async () => {
    const values = {
      EDITOR: 'vi',
      VISUAL: 'vi',
      PAGER: 'less',
      PREFIX: '/usr',
      GIT_EDITOR: 'vi',
      GIT_PAGER: 'less',
      GIT_SEQUENCE_EDITOR: 'vi',
    };
    for (const [name, value] of Object.entries(values)) setVariable(name, value);
    for (const name of ['GIT_ASKPASS', 'SSH_ASKPASS', 'GIT_SSH', 'GIT_PROXY_COMMAND', 'GIT_EXTERNAL_DIFF']) setVariable(name, '/bin/false');
    setVariable('GIT_EXEC_PATH', execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim());
    setVariable('GIT_CONFIG_GLOBAL', path.join(folder.path, 'gitconfig'));
    const settings = ['url.https://a.example/.insteadOf', 'credential.helper', 'core.fsmonitor', 'alias.st', 'user.name'];
    settings.forEach((name, index) => {
      setVariable(`GIT_CONFIG_KEY_${index}`, name);
      setVariable(`GIT_CONFIG_VALUE_${index}`, name === 'user.name' ? 'From the environment' : '');
    });
    setVariable('GIT_CONFIG_COUNT', String(settings.length));
    const name = await git(call, (client) => client.raw(['config', 'user.name']));
    assert.deepEqual(name, { ok: true, value: 'From the environment\n' });
    assert.deepEqual(await execGit(['config', 'user.name'], call), name);
  });

  it('reaches a remote with the ssh command of the user', async () => {
    const log = path.join(folder.path, 'ssh.log');
    setVariable('GIT_SSH_COMMAND', program('ssh', `echo "$SSH_AUTH_SOCK $*" >> '${log}'\nexit 1`));
    setVariable('SSH_AUTH_SOCK', '/agent');
    await git(call, (client) => client.listRemote(['ssh://git@host.example/shop.git']));
    assert.match(fs.readFileSync(log, 'utf8'), /^\/agent .*git@host\.example git-upload-pack '\/shop\.git'/);
  });

  it('runs no hook', async () => {
    const ran = path.join(folder.path, 'ran');
    fs.mkdirSync(path.join(project.root, '.git', 'hooks'), { recursive: true });
    for (const hook of ['pre-commit', 'post-commit', 'post-checkout'])
      fs.writeFileSync(path.join(project.root, '.git', 'hooks', hook), `#!/bin/sh\ntouch '${ran}'\n`, { mode: 0o755 });
    project.write('b.txt', 'b');
    const done = await git({ ...call, config: ['user.name=Somebody'] }, async (client) => {
      await client.add('--all');
      await client.commit('Second');
      await client.checkoutLocalBranch('other');
      return client.show(['--no-patch', '--format=%an %s']);
    });
    assert.deepEqual(done, { ok: true, value: 'Somebody Second\n' });
    assert.equal(fs.existsSync(ran), false);
  });

  it('can be cancelled', async () => {
    const controller = new AbortController();
    const slow = program('slow', `touch '${path.join(folder.path, 'began')}'\nexec sleep 60`);
    setVariable('GIT_SSH_COMMAND', slow);
    const cancelled = git({ ...call, signal: controller.signal }, (client) => client.listRemote(['ssh://host.example/shop.git']));
    while (!fs.existsSync(path.join(folder.path, 'began'))) await new Promise((resolve) => setTimeout(resolve, 10));
    controller.abort();
    assert.deepEqual(failureOf(await cancelled), { kind: 'cancelled', message: 'git ls-remote was cancelled' });
    const never = await git({ ...call, signal: controller.signal }, (client) => client.status());
    assert.equal(failureOf(never).kind, 'cancelled');
  });

  it('ends when git prints nothing for too long', async () => {
    setVariable('GIT_SSH_COMMAND', program('slow', 'exec sleep 60'));
    const ended = await git({ ...call, timeoutMs: 300 }, (client) => client.listRemote(['ssh://host.example/shop.git']));
    assert.deepEqual(failureOf(ended), { kind: 'machinery', message: 'git ls-remote printed nothing for 0.3 s and was ended' });
  });

  it('keeps its environment out of the output where DEBUG is set', async () => {
    const call = `{ folder: '.', env: { GIT_CONFIG_VALUE_9: 'secret' } }, (client) => client.status()`;
    const script = `import('./src/core/git/git.ts').then((module) => module.default.git(${call})).then(({ ok }) => console.log(ok))`;
    const env = { ...process.env, DEBUG: '*', DEBUG_COLORS: '0' };
    const child = spawn(process.execPath, ['--import', 'tsx', '--eval', script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => output.push(bytes));
    await once(child, 'close');
    const text = Buffer.concat(output).toString();
    assert.match(text, /^true$/m);
    assert.ok(!text.includes('secret'), text);
  });
});
