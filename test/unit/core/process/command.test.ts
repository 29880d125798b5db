import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Mask } from '../../../../src/core/support/masking';
import { endProcesses, findProcesses } from '../../../../src/core/process/descendants';
import { OutputPipes } from '../../../../src/core/process/output-pipe';
import { runCommand, type CommandEnd } from '../../../../src/core/process/command';
import type { ProcessIdentity } from '../../../../src/core/model/events';
import { identityOf, isAlive } from '../../../../src/core/process/process-identity';
import { eventually, temporaryFolder } from '../../../support/temporary';

(process.platform === 'win32' ? describe.skip : describe)('a command of a step', () => {
  const folder = temporaryFolder();
  let cancel: AbortController;
  let pipes: OutputPipes;
  beforeEach(() => {
    cancel = new AbortController();
    pipes = new OutputPipes(folder.path, 2);
  });

  it('has the exit code or the signal of the shell', async () => {
    assert.deepEqual(await run('exit 7'), { exitCode: 7 });
    assert.deepEqual(await run('kill -USR1 $$'), { signal: 'SIGUSR1' });
    assert.deepEqual(await run('no-such-program'), { exitCode: 127 });
  });

  it('has an error if it cannot be started', async () => {
    const end = await run('true', { folder: path.join(folder.path, 'gone') });
    assert.match(end.error ?? '', /^its folder .*gone does not exist$/);
  });

  it('keeps the order of both output streams', async () => {
    await run('for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done');
    const expected = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((i) => [`out ${i}`, `err ${i}`]);
    assert.deepEqual(log().trim().split('\n'), expected);
  });

  it('loses no output of a script that writes to the devices', async () => {
    await run('echo one; echo two > /dev/stderr; echo three > /dev/stdout; echo four');
    assert.equal(log(), 'one\ntwo\nthree\nfour\n');
  });

  it('writes its output while it runs', async () => {
    const going = run('echo first; while [ ! -e go ]; do sleep 0.02; done; echo second');
    await eventually('the first line is in the log', () => fs.existsSync(logFile()) && log() === 'first\n');
    fs.writeFileSync(path.join(folder.path, 'go'), '');
    await going;
    assert.equal(log(), 'first\nsecond\n');
  });

  it('keeps every byte of a large output', async () => {
    await run('yes 1234567 | head -c 20000000');
    assert.equal(fs.statSync(logFile()).size, 20_000_000);
  });

  it('has no terminal', async () => {
    await run('read answer || echo nothing to read; tty');
    assert.match(log(), /^nothing to read\nnot a tty/);
  });

  it('masks secrets in both output streams', async () => {
    await run('printf "key: s3cr"; printf et-key; echo s3cret-key >&2', { mask: new Mask(['s3cret-key']) });
    assert.equal(log(), 'key: ******\n');
  });

  it('ends after its timeout', async () => {
    const end = await run('sleep 60', { timeoutMs: 100 });
    assert.equal(end.ended, 'timeout');
    await nothingLeft();
  });

  it('ends with all its processes when it is cancelled', async () => {
    const going = run('(sleep 60 & sleep 60) & echo up; sleep 60');
    await eventually('it runs', () => fs.existsSync(logFile()) && log() === 'up\n');
    cancel.abort();
    assert.equal((await going).ended, 'cancelled');
    await nothingLeft();
  });

  it('is killed if it ignores TERM', async function () {
    this.timeout(20_000);
    const going = run('trap "" TERM; echo up; while true; do sleep 1; done');
    await eventually('it runs', () => fs.existsSync(logFile()) && log() === 'up\n');
    cancel.abort();
    const end = await going;
    assert.deepEqual({ ended: end.ended, signal: end.signal }, { ended: 'cancelled', signal: 'SIGKILL' });
    await nothingLeft();
  });

  it('ends with its background processes', async () => {
    assert.deepEqual(await run('sleep 60 & echo done'), { exitCode: 0 });
    assert.equal(log(), 'done\n');
    await nothingLeft();
  });

  it('ends a daemon that holds its output open', async () => {
    assert.deepEqual(await run('setsid sleep 60 & echo done'), { exitCode: 0 });
    await nothingLeft();
  });

  (process.platform === 'linux' ? describe : describe.skip)('that starts a process without its environment, session and output', () => {
    const pidFile = (): string => path.join(folder.path, 'escaped.pid');
    const escaped = (): number => Number(fs.readFileSync(pidFile(), 'utf8'));
    const escape = (): string =>
      `env -i setsid sh -c 'echo $$ > ${pidFile()}.new; mv ${pidFile()}.new ${pidFile()}; cd /; exec sleep 60' >/dev/null 2>&1 &`;

    it('is found after its parent has ended', async () => {
      await run(`${escape()} until [ -e ${pidFile()} ]; do sleep 0.02; done`);
      assert.deepEqual(findProcesses({ run: 'run-of-test' }), [escaped()]);
      await endProcesses({ run: 'run-of-test' }, 1000);
      assert.equal(identityOf(escaped()), undefined);
    });

    it('ends it when it is cancelled', async () => {
      const going = run(`${escape()} sleep 60`);
      await eventually('it escaped', () => fs.existsSync(pidFile()));
      cancel.abort();
      await going;
      assert.equal(identityOf(escaped()), undefined);
    });

    it('ends a child that closed all descriptors', async () => {
      const going = run(`(exec 9>&-; ${escape()} sleep 60)`);
      await eventually('it escaped', () => fs.existsSync(pidFile()));
      cancel.abort();
      await going;
      assert.equal(identityOf(escaped()), undefined);
    });
  });

  it('leaves a process with another mark alone', async () => {
    const pidFile = path.join(folder.path, 'release.pid');
    const going = run(`DELIVER_RUN=environment-x:web setsid sleep 60 >/dev/null 2>&1 & echo $! > ${pidFile}; sleep 60`);
    await eventually('it runs', () => fs.existsSync(pidFile) && fs.readFileSync(pidFile, 'utf8') !== '');
    const [release] = await eventually('the release runs', () => {
      const found = findProcesses({ run: 'environment-x' });
      return found.length > 0 && found;
    });
    cancel.abort();
    await going;
    assert.ok(identityOf(release ?? 0));
    await endProcesses({ run: 'environment-x' }, 1000);
  });

  it('names a process of another user instead of waiting for its end', async () => {
    const child = spawn('sleep', ['61'], { stdio: 'ignore', detached: true });
    const kill = process.kill.bind(process);
    process.kill = (): never => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM', syscall: 'kill' });
    };
    try {
      const left = await endProcesses({ run: 'run-of-test', group: child.pid }, 50);
      assert.equal(left, `process ${child.pid} (sleep 61) could not be ended, because it belongs to another user: end it by hand`);
    } finally {
      process.kill = kill;
      child.kill('SIGKILL');
    }
  });

  it('reports its process when it starts', async () => {
    let identity: ProcessIdentity | undefined;
    const going = run('sleep 60', { started: (process) => (identity = process) });
    assert.ok(identity && isAlive(identity));
    cancel.abort();
    await going;
    assert.equal(isAlive(identity), false);
  });

  function run(line: string, more: Partial<Parameters<typeof runCommand>[0]> = {}): Promise<CommandEnd> {
    return runCommand({
      run: 'run-of-test',
      step: 'step',
      line,
      folder: folder.path,
      env: { PATH: process.env['PATH'] ?? '' },
      log: logFile(),
      mask: new Mask([]),
      signal: cancel.signal,
      pipes,
      started: () => {},
      ...more,
    });
  }

  function logFile(): string {
    return path.join(folder.path, 'step.log');
  }

  function log(): string {
    return fs.readFileSync(logFile(), 'utf8');
  }

  function nothingLeft(): Promise<true> {
    return eventually('nothing of it runs', () => findProcesses({ run: 'run-of-test' }).length === 0);
  }
});
