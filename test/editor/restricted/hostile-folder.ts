import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { project } from '../host/places';
import type { Suite } from '../host/suite';

/** The variable with the folder where each program of the hostile folder leaves a file. */
export const tracesVariable = 'DELIVER_TEST_TRACES';

/** Runs in a window in Restricted Mode, on a folder whose programs must not run. */
export const restrictedTests: Suite = {
  source: __dirname,
  isRestricted: true,
  prepare: (workspace, home) => {
    const scratch = path.dirname(workspace);
    const traces = path.join(scratch, 'traces');
    fs.mkdirSync(traces);
    deliverHonestService(path.join(scratch, 'honest'), home);
    fillWithPrograms(workspace, traces);
    return { [tracesVariable]: traces };
  },
};

/** Puts `shop` live in the environment `production`, which the hostile folder names, too. */
function deliverHonestService(folder: string, home: string): void {
  const scripts = { deploy: 'true', logs: 'echo honest', url: 'http://127.0.0.1:9' };
  writeService(folder, { steps: { deploy: { deploy: 'production' } }, environments: { production: { watch: 'off', command: scripts } } });
  commit(folder);
  execFileSync(process.execPath, [path.join(project, 'dist/cli.js'), 'run'], { cwd: folder, env: { ...process.env, DELIVER_HOME: home } });
}

function fillWithPrograms(folder: string, traces: string): void {
  const leave = (name: string): string => `touch '${path.join(traces, name)}'`;
  const names = ['deploy', 'status', 'logs', 'stop', 'start', 'rollback'];
  const scripts = Object.fromEntries(names.map((name) => [name, leave(name)]));
  writeService(folder, {
    steps: { build: { run: leave('step') }, deploy: { needs: 'build', deploy: 'production' } },
    environments: { production: { command: scripts } },
    feedback: { sources: [{ file: 'feedback.jsonl' }] },
  });
  fs.writeFileSync(path.join(folder, 'feedback.jsonl'), '{"id":"1","kind":"comment","title":"Slow","createdAt":"2026-11-01T10:00:00Z"}\n');
  commit(folder);
  const git = (name: string, value: string): void => void execFileSync('git', ['config', name, value], { cwd: folder });
  git('core.fsmonitor', `${leave('fsmonitor')}; false`);
  git('core.sshCommand', `${leave('ssh')}; false`);
  git('credential.helper', `!${leave('credential')}`);
  git('filter.trace.clean', `${leave('filter')}; cat`);
  git('diff.external', leave('diff'));
  fs.writeFileSync(path.join(folder, '.git/info/attributes'), '* filter=trace\n');
  fs.appendFileSync(path.join(folder, 'delivery.yaml'), '# changed\n');
  for (const hook of ['post-checkout', 'pre-push', 'reference-transaction', 'post-index-change'])
    fs.writeFileSync(path.join(folder, '.git/hooks', hook), `#!/bin/sh\n${leave(hook)}\n`, { mode: 0o755 });
}

function writeService(folder: string, definition: object): void {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'delivery.yaml'), JSON.stringify({ service: 'shop', ...definition }));
}

function commit(folder: string): void {
  const git = (...args: string[]): void =>
    void execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], { cwd: folder });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message=Start');
}
