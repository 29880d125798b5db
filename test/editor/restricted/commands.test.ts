import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';

interface Manifest {
  readonly contributes: { readonly commands: readonly { readonly command: string }[] };
}

describe('Restricted Mode', function () {
  this.timeout(120_000);

  it('runs no program of the folder, whichever command is called', async () => {
    const traces = process.env['DELIVER_TEST_TRACES'] ?? '';
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    const home = process.env['DELIVER_HOME'] ?? '';
    const extension = vscode.extensions.getExtension<{ environmentsText(): string }>('deliver-dev.deliver');
    assert.ok(extension);
    const api = await extension.activate();
    assert.equal(vscode.workspace.isTrusted, false);
    for (const view of ['pipeline', 'environments', 'changes']) await vscode.commands.executeCommand(`deliver.${view}.focus`);
    await eventually(() => api.environmentsText().includes('shop'));
    const before = runsIn(home);

    const service = path.join(folder, 'delivery.yaml');
    const target = { service, environment: 'production', deployed: 'shop', step: 'build', item: '1', source: 'file feedback.jsonl' };
    const { commands } = (extension.packageJSON as Manifest).contributes;
    assert.ok(commands.length > 30);
    for (const { command } of commands)
      for (const argument of [undefined, target, { environment: 'production', deployed: 'shop' }, { service }])
        await call(command, argument);

    await eventually(() => childrenOf(process.pid).length === 0);
    assert.deepEqual(fs.readdirSync(traces), []);
    assert.deepEqual(runsIn(home), before);
  });
});

/** Calls a command and closes its pickers and messages until it ends. */
async function call(command: string, argument: unknown): Promise<void> {
  let isDone = false;
  void vscode.commands.executeCommand(command, argument).then(
    () => (isDone = true),
    () => (isDone = true),
  );
  await eventually(async () => {
    if (isDone) return true;
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('notifications.clearAll');
    return isDone;
  }, command);
}

async function eventually(condition: () => boolean | Promise<boolean>, name = condition.toString()): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `still waiting for ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function runsIn(home: string): string[] {
  const entries = fs.readdirSync(home, { recursive: true, encoding: 'utf8' });
  return entries.filter((entry) => path.basename(entry) === 'journal.jsonl').sort();
}

/** Returns the processes of git, shells and the command line that a process has started. */
function childrenOf(pid: number): string[] {
  if (process.platform === 'win32') return [];
  const processes = execFileSync('ps', ['-A', '-o', 'ppid=,command='], { encoding: 'utf8' }).split('\n');
  return processes.filter((line) => Number(/^\s*(\d+)/.exec(line)?.[1]) === pid && /cli\.js|git\b|\/sh\b/.test(line));
}
