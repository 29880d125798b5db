import * as path from 'node:path';
import * as vscode from 'vscode';
import type { lazyParser } from './parser';

const restMs = 200;

/** The errors of every open `delivery.yaml`, as it is typed. */
export class DefinitionDiagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('deliver');
  private readonly waiting = new Map<string, NodeJS.Timeout>();
  private readonly events: vscode.Disposable;

  constructor(private readonly parse: ReturnType<typeof lazyParser>) {
    this.events = vscode.Disposable.from(
      vscode.workspace.onDidOpenTextDocument((document) => this.checkSoon(document, 0)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.checkSoon(document, restMs)),
      vscode.workspace.onDidCloseTextDocument((document) => this.forget(document)),
    );
    for (const document of vscode.workspace.textDocuments) this.checkSoon(document, 0);
  }

  private checkSoon(document: vscode.TextDocument, inMs: number): void {
    if (path.posix.basename(document.uri.path) !== 'delivery.yaml' || document.uri.scheme === 'git') return;
    const key = document.uri.toString();
    clearTimeout(this.waiting.get(key));
    this.waiting.set(
      key,
      setTimeout(() => {
        this.waiting.delete(key);
        void this.check(document);
      }, inMs),
    );
  }

  private async check(document: vscode.TextDocument): Promise<void> {
    const { version } = document;
    const { errors } = await this.parse(document.getText(), document.uri.fsPath);
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
    clearTimeout(this.waiting.get(key));
    this.waiting.delete(key);
    this.collection.delete(document.uri);
  }

  dispose(): void {
    for (const timer of this.waiting.values()) clearTimeout(timer);
    this.events.dispose();
    this.collection.dispose();
  }
}

/** The word at the place, else the rest of the line. */
function rangeOf(document: vscode.TextDocument, line: number, column: number): vscode.Range {
  const start = document.validatePosition(new vscode.Position(line - 1, column - 1));
  return document.getWordRangeAtPosition(start, /[^\s:,[\]{}#]+/) ?? new vscode.Range(start, document.lineAt(start.line).range.end);
}
