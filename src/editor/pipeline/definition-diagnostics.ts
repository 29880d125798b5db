import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Failure } from '../../core/model/result';
import { parseDefinition } from './parser';

/** The delay after an edit. */
const delayMs = 200;

/** Shows the errors of every `delivery.yaml` of the window in the Problems panel: as it is on disk, or as it is edited. */
export class DefinitionDiagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('deliver');
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly events: vscode.Disposable;
  private files: readonly string[] = [];

  constructor(
    /** Receives the errors of a file on disk. A delivery fails with the same errors. */
    private readonly onChecked: (file: string, errors: readonly Failure[]) => void,
  ) {
    this.events = vscode.Disposable.from(
      vscode.workspace.onDidOpenTextDocument((document) => this.checkSoon(document, 0)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.checkSoon(document, delayMs)),
      vscode.workspace.onDidCloseTextDocument((document) => void this.closed(document)),
    );
    for (const document of vscode.workspace.textDocuments) this.checkSoon(document, 0);
  }

  /** Checks all definitions of the window as they are on disk. */
  async update(files: readonly string[]): Promise<void> {
    for (const file of this.files) if (!files.includes(file) && !openDocument(file)) this.collection.delete(vscode.Uri.file(file));
    this.files = files;
    for (const file of files) await this.checkOnDisk(file);
  }

  private async checkOnDisk(file: string): Promise<void> {
    let text: string;
    try {
      text = fs.readFileSync(file, 'utf8');
    } catch {
      return; // the next search finds that it was removed
    }
    const { errors } = await parseDefinition(text, file);
    this.onChecked(file, errors);
    if (!openDocument(file)) this.show(vscode.Uri.file(file), text, errors);
  }

  private checkSoon(document: vscode.TextDocument, afterMs: number): void {
    if (path.posix.basename(document.uri.path) !== 'delivery.yaml' || document.uri.scheme === 'git') return;
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.set(
      key,
      setTimeout(() => {
        this.timers.delete(key);
        void this.check(document);
      }, afterMs),
    );
  }

  private async check(document: vscode.TextDocument): Promise<void> {
    const { version } = document;
    const { errors } = await parseDefinition(document.getText(), document.uri.fsPath);
    if (!document.isClosed && document.version === version) this.show(document.uri, document.getText(), errors);
  }

  private async closed(document: vscode.TextDocument): Promise<void> {
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    if (this.files.includes(document.uri.fsPath)) await this.checkOnDisk(document.uri.fsPath);
    else this.collection.delete(document.uri);
  }

  private show(uri: vscode.Uri, text: string, errors: readonly Failure[]): void {
    const lines = text.split(/\r?\n/);
    this.collection.set(
      uri,
      errors.map((error) => {
        const message = error.hint ? `${error.message}: ${error.hint}` : error.message;
        const diagnostic = new vscode.Diagnostic(rangeOf(lines, error), message, vscode.DiagnosticSeverity.Error);
        diagnostic.source = 'Deliver';
        return diagnostic;
      }),
    );
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.events.dispose();
    this.collection.dispose();
  }
}

function openDocument(file: string): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'file' && uri.fsPath === file);
}

/** Returns the word at a place, or the rest of the line. */
function rangeOf(lines: readonly string[], { line = 1, column = 1 }: Failure): vscode.Range {
  const text = lines[line - 1] ?? '';
  const start = Math.min(column - 1, text.length);
  const word = /^[^\s:,[\]{}#]+/.exec(text.slice(start))?.[0];
  return new vscode.Range(line - 1, start, line - 1, word === undefined ? text.length : start + word.length);
}
