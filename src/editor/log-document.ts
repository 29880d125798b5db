import * as fs from 'node:fs';
import * as vscode from 'vscode';
import { messageOf } from '../core/failure';
import { plainLine } from '../core/logs/terminal';
import { Paced } from './changes';
import { megabytes } from './words';

const scheme = 'deliver-log';
/** More than this is not shown in an editor: the whole file is a link away. */
const most = 2_000_000;
const linesAtOnce = 5000;

/** Logs that were written, as read-only documents without terminal codes. */
export class LogDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly watchers = new Map<string, fs.FSWatcher>();
  private readonly parts = [
    vscode.workspace.registerTextDocumentContentProvider(scheme, this),
    vscode.workspace.onDidCloseTextDocument((document) => this.forget(document.uri)),
    this.changed,
  ];

  /** Shows the end of a log, under a title such as `shop test`; a growing one goes on while it is open. */
  async show(file: string, title: string, { growing = false } = {}): Promise<void> {
    const uri = vscode.Uri.from({ scheme, path: `/${title}.log`, query: file });
    if (growing) this.follow(uri);
    const opened = await vscode.workspace.openTextDocument(uri);
    const document = await vscode.languages.setTextDocumentLanguage(opened, 'deliver-log');
    const editor = await vscode.window.showTextDocument(document, { preview: true });
    const end = new vscode.Position(document.lineCount - 1, 0);
    editor.revealRange(new vscode.Range(end, end));
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    try {
      return await tailOf(uri.query);
    } catch (error) {
      return `This log cannot be read any more: ${messageOf(error)}\n`;
    }
  }

  dispose(): void {
    for (const watcher of this.watchers.values()) watcher.close();
    vscode.Disposable.from(...this.parts).dispose();
  }

  private follow(uri: vscode.Uri): void {
    const key = uri.toString();
    if (this.watchers.has(key)) return;
    const telling = new Paced(() => this.changed.fire(uri));
    try {
      const watcher = fs.watch(uri.query, () => telling.ask());
      watcher.on('error', () => this.forget(uri));
      watcher.on('close', () => telling.dispose());
      this.watchers.set(key, watcher);
    } catch {
      // Too many watches: it is shown as it is now.
    }
  }

  private forget(uri: vscode.Uri): void {
    this.watchers.get(uri.toString())?.close();
    this.watchers.delete(uri.toString());
  }
}

async function tailOf(file: string): Promise<string> {
  const handle = await fs.promises.open(file, 'r');
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - most);
    const buffer = Buffer.alloc(size - from);
    await handle.read(buffer, 0, buffer.length, from);
    const lines = buffer.toString('utf8').split('\n');
    // A cut line, and perhaps a cut character, stands first.
    const note =
      from > 0 ? [`… ${megabytes(size - Buffer.byteLength(lines.shift() ?? '') - (size - from))} left out; whole log: ${file}`] : [];
    return [...note, ...(await plain(lines))].join('\n') || 'Nothing was printed.';
  } finally {
    await handle.close();
  }
}

/** In portions, so that typing goes on while a large log is made readable. */
async function plain(lines: readonly string[]): Promise<string[]> {
  const done: string[] = [];
  for (let at = 0; at < lines.length; at += linesAtOnce) {
    done.push(...lines.slice(at, at + linesAtOnce).map(plainLine));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return done;
}
