import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import * as vscode from 'vscode';
import type { ViewTexts } from '../../../src/extension';
import type { EditorFigures } from '../editor';

describe('a flood in the window', function () {
  this.timeout(120_000);

  it('is measured', async () => {
    const extension = vscode.extensions.getExtension<ViewTexts>('deliver-dev.deliver');
    assert.ok(extension);
    const shown = await extension.activate();
    const delays = monitorEventLoopDelay({ resolution: 5 });
    await until(() => /flood|shop/.test(shown.pipelineText()));
    await vscode.commands.executeCommand('deliver.showOutput');
    await vscode.commands.executeCommand('deliver.deliver');
    delays.enable();
    // Starting a process is not measured: every delivery starts one.
    await until(() => /▶ flood/.test(shown.outputText()));
    delays.reset();
    await thousandProblems();
    const longestByProblems = delays.max / 1e6;
    await until(() => /shop passed/.test(shown.outputText()), 50);

    const definition = path.join(vscode.workspace.workspaceFolders![0]!.uri.fsPath, 'delivery.yaml');
    fs.writeFileSync(definition, process.env['DELIVER_BENCH_FLOOD']!);
    delays.reset();
    await vscode.commands.executeCommand('deliver.deliver');
    const written = await until(() => Number(/first line (\d+)/.exec(shown.outputText())?.[1] ?? 0));
    const firstLine = Date.now() - written;
    await until(() => /left out[^]*shop passed/.test(shown.outputText()), 250);
    delays.disable();
    const longestBlock = delays.max / 1e6;
    const figures: EditorFigures = { activation: shown.activationMs, longestBlock, longestByProblems, firstLine };
    fs.writeFileSync(process.env['DELIVER_BENCH_REPORT']!, JSON.stringify(figures));
  });
});

/** Counts events instead of reading the document, which would copy all lines in the measured loop. */
async function thousandProblems(): Promise<void> {
  await new Promise<void>((resolve) => {
    const listening = vscode.languages.onDidChangeDiagnostics(({ uris }) => {
      if (!uris.some((uri) => vscode.languages.getDiagnostics(uri).length >= 1000)) return;
      listening.dispose();
      resolve();
    });
  });
}

async function until<T>(condition: () => T, everyMs = 5): Promise<T> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    const value = condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`never came true: ${String(condition)}`);
}
