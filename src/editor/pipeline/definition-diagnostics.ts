import * as path from 'node:path';
import * as vscode from 'vscode';
import { parseDefinition } from './parser';

/** The delay after an edit. */
const delayMs = 200;

/** Shows the errors of every open `delivery.yaml` while it is edited. */
export class DefinitionDiagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('deliver');
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly events: vscode.Disposable;

  constructor() {
    this.events = vscode.Disposable.from(
      vscode.workspace.onDidOpenTextDocument((document) => this.checkSoon(document, 0)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.checkSoon(document, delayMs)),
      vscode.workspace.onDidCloseTextDocument((document) => this.forget(document)),
    );
    for (const document of vscode.workspace.textDocuments) this.checkSoon(document, 0);
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
    if (document.isClosed || document.version !== version) return;
    this.collection.set(
      document.uri,
      errors.map((error) => {
        const message = error.hint ? `${error.message}: ${error.hint}` : error.message;
        const diagnostic = new vscode.Diagnostic(
          rangeOf(document, error.line ?? 1, error.column ?? 1),
          message,
          vscode.DiagnosticSeverity.Error,
        );
        diagnostic.source = 'Deliver';
        return diagnostic;
      }),
    );
  }

  private forget(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    this.collection.delete(document.uri);
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.events.dispose();
    this.collection.dispose();
  }
}

/** Returns the word at a place, or the rest of the line. */
function rangeOf(document: vscode.TextDocument, line: number, column: number): vscode.Range {
  const start = document.validatePosition(new vscode.Position(line - 1, column - 1));
  return document.getWordRangeAtPosition(start, /[^\s:,[\]{}#]+/) ?? new vscode.Range(start, document.lineAt(start.line).range.end);
}
