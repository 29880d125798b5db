import * as fs from 'node:fs';
import * as vscode from 'vscode';
import { messageOf } from '../../core/model/result';
import { type Watch, watchPath } from '../../core/support/folder-watch';
import { plainLine } from '../../core/support/terminal-text';
import { Throttle } from '../app/change-event';
import { megabytes } from '../../core/support/format';

const scheme = 'deliver-log';
/** The end of a log that is shown in the editor, in bytes. A link opens the full file. */
const maxBytes = 2_000_000;
const linesPerBatch = 5000;

/** Shows log files as read-only documents without terminal codes. */
export class LogDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly watchers = new Map<string, Watch>();
  private readonly disposables = [
    vscode.workspace.registerTextDocumentContentProvider(scheme, this),
    vscode.workspace.onDidCloseTextDocument((document) => this.forget(document.uri)),
    this.changed,
  ];

  /** Shows the end of a log under a title such as `shop test`. A growing log is updated while it is open. */
  async show(file: string, title: string, { growing = false, line }: { growing?: boolean; line?: number | undefined } = {}): Promise<void> {
    const uri = vscode.Uri.from({ scheme, path: `/${title}.log`, query: file });
    const opened = await vscode.workspace.openTextDocument(uri);
    const document = await vscode.languages.setTextDocumentLanguage(opened, 'deliver-log');
    // Not earlier: VS Code closes and opens a document again when its language is set.
    if (growing) this.follow(uri);
    const editor = await vscode.window.showTextDocument(document, { preview: true });
    const last = document.lineCount - 1;
    if (line === undefined) return editor.revealRange(new vscode.Range(last, 0, last, 0));
    // The beginning of a long log is omitted, so the line number is shifted.
    const shift = document.lineAt(0).text.startsWith('… ') ? (await countLines(file)) - document.lineCount : 0;
    const at = new vscode.Position(Math.min(Math.max(0, line - 1 - shift), last), 0);
    editor.selection = new vscode.Selection(at, at);
    editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenter);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    try {
      return await tailOf(uri.query);
    } catch (error) {
      return `Could not read this log: ${messageOf(error)}\n`;
    }
  }

  dispose(): void {
    for (const watcher of this.watchers.values()) watcher.close();
    vscode.Disposable.from(...this.disposables).dispose();
  }

  private follow(uri: vscode.Uri): void {
    const key = uri.toString();
    if (this.watchers.has(key)) return;
    const update = new Throttle(() => this.changed.fire(uri));
    const watch = watchPath(uri.query, () => update.schedule());
    const close = (): void => {
      watch.close();
      update.dispose();
    };
    this.watchers.set(key, { close });
    update.schedule(); // the file may have grown since it was read
  }

  private forget(uri: vscode.Uri): void {
    this.watchers.get(uri.toString())?.close();
    this.watchers.delete(uri.toString());
  }
}

async function countLines(file: string): Promise<number> {
  let count = 1;
  for await (const piece of fs.createReadStream(file)) for (const byte of piece as Buffer) if (byte === 0x0a) count += 1;
  return count;
}

async function tailOf(file: string): Promise<string> {
  const handle = await fs.promises.open(file, 'r');
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - maxBytes);
    const buffer = Buffer.alloc(size - from);
    await handle.read(buffer, 0, buffer.length, from);
    const lines = buffer.toString('utf8').split('\n');
    // The first line is incomplete, and may start with a part of a character.
    const note =
      from > 0 ? [`… ${megabytes(size - Buffer.byteLength(lines.shift() ?? '') - (size - from))} omitted. Full log: ${file}`] : [];
    return [...note, ...(await plain(lines))].join('\n') || 'No output.';
  } finally {
    await handle.close();
  }
}

/** Converts in batches, so that a large log does not block the editor. */
async function plain(lines: readonly string[]): Promise<string[]> {
  const plainLines: string[] = [];
  for (let at = 0; at < lines.length; at += linesPerBatch) {
    plainLines.push(...lines.slice(at, at + linesPerBatch).map(plainLine));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return plainLines;
}
