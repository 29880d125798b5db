import * as vscode from 'vscode';
import { Throttle } from '../app/change-event';
import type { ServiceState } from '../app/state';
import type { CommandTarget } from '../tree/row';

const glob = '**/delivery.yaml';

/** Finds the window's `delivery.yaml` files, again whenever one is created, deleted or changed. */
export class Definitions implements vscode.Disposable {
  private readonly finding = new Throttle(() => void this.find());
  private readonly events: vscode.Disposable;

  constructor(
    private readonly onFound: (definitions: string[], folders: string[]) => void,
    /** Returns true if the window has a service. */
    private readonly isReady: () => boolean,
  ) {
    const findSoon = (): void => this.finding.schedule();
    const definitions = vscode.workspace.createFileSystemWatcher(glob);
    const repositories = vscode.workspace.createFileSystemWatcher('**/.git/HEAD', false, true, false);
    this.events = vscode.Disposable.from(
      ...[definitions, repositories],
      ...[definitions.onDidCreate(findSoon), definitions.onDidChange(findSoon), definitions.onDidDelete(findSoon)],
      ...[repositories.onDidCreate(findSoon), repositories.onDidDelete(findSoon)],
      vscode.workspace.onDidChangeWorkspaceFolders(findSoon),
      // A repository above the folder, or git itself, may be new.
      vscode.window.onDidChangeWindowState(({ focused }) => focused && !this.isReady() && findSoon()),
    );
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
    this.events.dispose();
  }
}

/** Opens `delivery.yaml` at a step, at a place (`line:column`), at its first error, or at the top. */
export async function revealStep(service: ServiceState, { step, place }: CommandTarget): Promise<void> {
  const document = await vscode.workspace.openTextDocument(service.file);
  const [error] = step === undefined ? (service.definitionErrors ?? []) : [];
  const [line = error?.line ?? 1, column = error?.column ?? 1] = place?.split(':').map(Number) ?? [];
  const start =
    step === undefined
      ? document.validatePosition(new vscode.Position(line - 1, column - 1))
      : new vscode.Position(Math.max(0, stepLine(document.getText().split(/\r?\n/), step)), 0);
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
