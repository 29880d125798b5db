import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Status } from '../../src/core/model/run-status';
import { findProcesses } from '../../src/core/process/descendants';
import { nothingLeftOf, Project, type Running } from '../support/project';
import { eventually, temporaryFolder } from '../support/temporary';

/** The processes of the steps below: a child, a grandchild in the background, one that ignores SIGTERM, a daemon. */
const family = {
  plain: 'echo up; sleep 61',
  background: '(sleep 62 & sleep 63) & echo up; sleep 64',
  stubborn: `trap '' TERM INT HUP; echo up; while true; do sleep 0.1; done`,
  daemon: 'setsid sh -c "sleep 65" </dev/null >/dev/null 2>&1 & echo up; sleep 66',
};

(process.platform === 'win32' ? describe.skip : describe)('a delivery that is killed', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    for (const [kind, line] of Object.entries(family)) {
      it(`ends a ${kind} step and everything it started after ${signal} to the runner`, async () => {
        const { project, running, run } = await begin(line);
        running.process.kill(signal);
        const end = await running.ended;
        assert.deepEqual({ code: end.code, signal: end.signal }, { code: 130, signal: null });
        await nothingLeftOf(run);
        const { run: status } = await project.json<Status>('status');
        assert.equal(status.outcome, 'cancelled');
        assert.deepEqual(states(status), { long: 'cancelled', after: 'skipped' });
      });
    }
  }

  for (const [kind, line] of Object.entries(family)) {
    it(`ends a ${kind} step with the next command after SIGKILL to the runner, and reports it as interrupted`, async () => {
      const { project, running, run } = await begin(line);
      running.process.kill('SIGKILL');
      await running.ended;
      const { run: status } = await project.json<Status>('status');
      assert.equal(status.outcome, 'interrupted');
      assert.deepEqual(states(status), { long: 'interrupted', after: 'skipped' });
      assert.match(fs.readFileSync(path.join(status.folder, 'long.log'), 'utf8'), /^up\n/);
      assert.deepEqual(findProcesses({ run }), []);
    });
  }

  it('ends with everything that it started when DELIVER_HOME is deleted', async () => {
    const { project, running, run } = await begin(family.plain);
    fs.rmSync(project.home, { recursive: true, force: true });
    await running.ended;
    await nothingLeftOf(run);
    assert.ok(!fs.existsSync(path.join(project.home, 'environments')));
  });

  it('does not block the next delivery after SIGKILL to the runner', async () => {
    const { project, running } = await begin(family.plain);
    running.process.kill('SIGKILL');
    await running.ended;
    project.steps({ quick: 'true' });
    const next = await project.deliver('run', '--json');
    assert.equal(next.code, 0, next.stderr);
    assert.doesNotMatch(next.stdout, /run-queued/);
  });

  it('does not kill another process that reuses its pid', async () => {
    const bystander = spawn('sleep', ['67'], { stdio: 'ignore', detached: true });
    try {
      const { project, running, run } = await begin(family.plain);
      running.process.kill('SIGKILL');
      await running.ended;
      await eventually('the step is found', () => findProcesses({ run }).length > 0);
      // The journal now names the bystander's pid with the start time of another process.
      const journal = path.join(runFolder(project, run), 'journal.jsonl');
      const text = fs.readFileSync(journal, 'utf8');
      fs.writeFileSync(journal, text.replace(/"process":\{"pid":\d+/, `"process":{"pid":${bystander.pid}`));
      await project.deliver('status');
      await nothingLeftOf(run);
      assert.equal(bystander.exitCode ?? bystander.signalCode, null);
    } finally {
      bystander.kill('SIGKILL');
    }
  });

  it('ends its step after Ctrl-C in a terminal', async () => {
    const project = new Project(folder.path).steps({ long: family.background }).commit();
    // `script` gives the command its own terminal, and ^C is typed into that.
    const terminal = spawn('script', ['-qec', `${process.execPath} ${path.resolve('dist/cli.js')} run`, '/dev/null'], {
      cwd: project.root,
      env: project.environment(),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const run = await eventually('the step runs', () => runs(project).find((id) => isUp(project, id)));
    terminal.stdin.write('\x03');
    const code = await new Promise((resolve) => terminal.once('exit', resolve));
    assert.equal(code, 130);
    await nothingLeftOf(run);
  });

  it('ends with `deliver cancel`, together with those that wait', async () => {
    const { project, running, run } = await begin(family.stubborn);
    const waiting = project.start(['run', '--json']);
    await waiting.event('run-queued');
    assert.equal((await project.deliver('cancel')).code, 0);
    assert.equal((await running.ended).code, 130);
    assert.equal((await waiting.ended).code, 130);
    await nothingLeftOf(run);
  });

  it('ends a waiting delivery at once, and not the running one', async () => {
    const { running, project } = await begin(family.stubborn);
    const waiting = project.start(['run', '--json']);
    await waiting.event('run-queued');
    waiting.process.kill('SIGINT');
    assert.equal((await waiting.ended).code, 130);
    assert.equal(running.process.exitCode, null);
    assert.equal((await project.deliver('cancel')).code, 0);
    assert.equal((await running.ended).code, 130);
  });

  it('ends a daemon that a passed step left', async () => {
    const project = new Project(folder.path).steps({ daemon: 'setsid sleep 68 </dev/null >/dev/null 2>&1 & echo done' }).commit();
    const running = project.start(['run', '--json']);
    const run = await running.runId();
    assert.equal((await running.ended).code, 0);
    assert.deepEqual(findProcesses({ run }), []);
  });

  async function begin(line: string): Promise<{ project: Project; running: Running; run: string }> {
    const project = new Project(folder.path).steps({ long: line, after: { run: 'true', needs: 'long' } }).commit();
    const running = project.start(['run', '--json']);
    await running.event('step-started', 'long');
    const run = await running.runId();
    await eventually('the step is up', () => isUp(project, run));
    return { project, running, run };
  }
});

function runFolder(project: Project, run: string): string {
  const repositories = path.join(project.home, 'repositories');
  return path.join(repositories, fs.readdirSync(repositories)[0] ?? '', 'runs', run);
}

function runs(project: Project): string[] {
  try {
    return fs.readdirSync(path.dirname(runFolder(project, '')) + '/runs');
  } catch {
    return [];
  }
}

function isUp(project: Project, run: string): boolean {
  const log = path.join(runFolder(project, run), 'long.log');
  return fs.existsSync(log) && fs.readFileSync(log, 'utf8').includes('up\n');
}

function states(run: Status['run']): Record<string, string> {
  return Object.fromEntries(run.steps.map((step) => [step.name, step.state]));
}
