import * as vscode from 'vscode';
import { Paced } from '../app/change-event';

const glob = '**/delivery.yaml';

/** Finds the window's `delivery.yaml` files and finds them again when one comes, goes or changes. */
export class Definitions implements vscode.Disposable {
  private readonly watcher = vscode.workspace.createFileSystemWatcher(glob);
  private readonly folders: vscode.Disposable;
  private readonly finding = new Paced(() => void this.find());

  constructor(private readonly found: (definitions: string[], folders: string[]) => void) {
    const again = (): void => this.finding.ask();
    this.watcher.onDidCreate(again);
    this.watcher.onDidDelete(again);
    this.watcher.onDidChange(again);
    this.folders = vscode.workspace.onDidChangeWorkspaceFolders(again);
  }

  async find(): Promise<void> {
    const folders = (vscode.workspace.workspaceFolders ?? [])
      .filter((folder) => folder.uri.scheme === 'file')
      .map((folder) => folder.uri.fsPath);
    const files = folders.length === 0 ? [] : await vscode.workspace.findFiles(glob, '**/node_modules/**');
    this.found(
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
