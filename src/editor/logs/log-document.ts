import * as fs from 'node:fs';
import * as vscode from 'vscode';
import { messageOf } from '../../core/model/result';
import { plainLine } from '../../core/support/terminal-text';
import { Paced } from '../app/change-event';
import { megabytes } from '../../core/support/format';

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
  async show(file: string, title: string, { growing = false, line }: { growing?: boolean; line?: number | undefined } = {}): Promise<void> {
    const uri = vscode.Uri.from({ scheme, path: `/${title}.log`, query: file });
    const opened = await vscode.workspace.openTextDocument(uri);
    const document = await vscode.languages.setTextDocumentLanguage(opened, 'deliver-log');
    // Only now: a document whose language is set counts as closed and opened again.
    if (growing) this.follow(uri);
    const editor = await vscode.window.showTextDocument(document, { preview: true });
    const last = document.lineCount - 1;
    if (line === undefined) return editor.revealRange(new vscode.Range(last, 0, last, 0));
    // Of a long log the beginning is not shown: the lines count from the end as well.
    const shift = document.lineAt(0).text.startsWith('… ') ? (await linesOf(file)) - document.lineCount : 0;
    const at = new vscode.Position(Math.min(Math.max(0, line - 1 - shift), last), 0);
    editor.selection = new vscode.Selection(at, at);
    editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenter);
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
      telling.ask(); // it may have grown since it was read
    } catch {
      // Too many watches: it is shown as it is now.
    }
  }

  private forget(uri: vscode.Uri): void {
    this.watchers.get(uri.toString())?.close();
    this.watchers.delete(uri.toString());
  }
}

/** As many as an editor would show of the whole. */
async function linesOf(file: string): Promise<number> {
  let count = 1;
  for await (const piece of fs.createReadStream(file)) for (const byte of piece as Buffer) if (byte === 0x0a) count += 1;
  return count;
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
