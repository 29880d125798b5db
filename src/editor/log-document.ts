import * as fs from 'node:fs/promises';
import * as vscode from 'vscode';
import { messageOf } from '../core/failure';
import { plainLine } from '../core/logs/terminal';
import { megabytes } from './words';

const scheme = 'deliver-log';
/** More than this is not shown in an editor: the whole file is a link away. */
const most = 2_000_000;
const linesAtOnce = 5000;

/** Logs that were written, as read-only documents without terminal codes. */
export class LogDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(scheme, this);

  /** Shows the end of a log, under a title such as `shop test`. */
  async show(file: string, title: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme, path: `/${title}.log`, query: file });
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
    this.registration.dispose();
  }
}

async function tailOf(file: string): Promise<string> {
  const handle = await fs.open(file, 'r');
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - most);
    const buffer = Buffer.alloc(size - from);
    await handle.read(buffer, 0, buffer.length, from);
    const lines = buffer.toString('utf8').split('\n');
    // A cut line, and perhaps a cut character, stands first.
    const note =
      from > 0 ? [`… ${megabytes(size - Buffer.byteLength(lines.shift() ?? '') - (size - from))} left out; whole log: ${file}`] : [];
    return [...note, ...(await plain(lines))].join('\n') || 'This step printed nothing.';
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
