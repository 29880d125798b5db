import * as vscode from 'vscode';
import { Throttle } from '../app/change-event';
import type { Service } from '../app/state';

const glob = '**/delivery.yaml';

/** Finds the window's `delivery.yaml` files, again whenever one is created, deleted or changed. */
export class Definitions implements vscode.Disposable {
  private readonly watcher = vscode.workspace.createFileSystemWatcher(glob);
  private readonly folders: vscode.Disposable;
  private readonly finding = new Throttle(() => void this.find());

  constructor(private readonly onFound: (definitions: string[], folders: string[]) => void) {
    const findSoon = (): void => this.finding.schedule();
    this.watcher.onDidCreate(findSoon);
    this.watcher.onDidDelete(findSoon);
    this.watcher.onDidChange(findSoon);
    this.folders = vscode.workspace.onDidChangeWorkspaceFolders(findSoon);
  }

  async find(): Promise<void> {
    const folders = (vscode.workspace.workspaceFolders ?? [])
      .filter((folder) => folder.uri.scheme === 'file')
      .map((folder) => folder.uri.fsPath);
    const files = folders.length === 0 ? [] : await vscode.workspace.findFiles(glob, '**/node_modules/**');
    this.onFound(
      files.map((file) => file.fsPath),
      folders,
    );
  }

  dispose(): void {
    this.finding.dispose();
    this.watcher.dispose();
    this.folders.dispose();
  }
}

/** Opens `delivery.yaml` at a step, or at the top if the step is not found. */
export async function revealStep(service: Service, step: string | undefined): Promise<void> {
  const document = await vscode.workspace.openTextDocument(service.file);
  const line = step === undefined ? 0 : Math.max(0, stepLine(document.getText().split(/\r?\n/), step));
  const { start } = document.lineAt(line).range;
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(start, start) });
}

/** Returns the line of a step's key below `steps:`, from 0, or -1. */
function stepLine(lines: readonly string[], step: string): number {
  const steps = lines.findIndex((line) => /^steps\s*:/.test(line));
  const key = [step, `'${step}'`, `"${step}"`];
  return lines.findIndex((line, index) => {
    const [before, colon] = [line.trim().split(':')[0]?.trim() ?? '', line.includes(':')];
    return index > steps && /^\s/.test(line) && colon && key.includes(before);
  });
}
