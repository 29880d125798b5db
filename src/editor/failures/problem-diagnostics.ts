import * as vscode from 'vscode';
import type { Failure } from './failures';
import { mostPlaced, type EditorPlace, type ProblemPlaces } from './problem-places';

const severities = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
} as const;

/** How many are made in one go. */
const atOnce = 100;

/** The problems that stand, in the Problems panel and on their lines. */
export class ProblemDiagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('deliver-problems');
  private shown: readonly vscode.Uri[] = [];
  private turn = 0;

  constructor(private readonly places: ProblemPlaces) {}

  update(failures: readonly Failure[]): void {
    void this.show(failures, ++this.turn);
  }

  dispose(): void {
    this.turn += 1;
    this.collection.dispose();
  }

  private async show(failures: readonly Failure[], turn: number): Promise<void> {
    const files = new Map<string, { uri: vscode.Uri; diagnostics: vscode.Diagnostic[] }>();
    const add = (uri: vscode.Uri, diagnostic: vscode.Diagnostic): void => {
      const file = files.get(uri.toString()) ?? { uri, diagnostics: [] };
      file.diagnostics.push(diagnostic);
      files.set(uri.toString(), file);
    };
    for (const [index, failure] of failures.slice(0, mostPlaced).entries()) {
      // Typing goes on between portions.
      if (index % atOnce === atOnce - 1) await new Promise((resolve) => setImmediate(resolve));
      if (turn !== this.turn) return;
      const place = this.places.of(failure);
      if (place) add(place.uri, diagnosticOf(failure, place));
    }
    const [first] = failures;
    if (first && failures.length > mostPlaced) add(vscode.Uri.file(first.service.file), moreThanShown(failures.length - mostPlaced));
    for (const uri of this.shown) if (!files.has(uri.toString())) this.collection.delete(uri);
    this.shown = [...files.values()].map(({ uri }) => uri);
    for (const { uri, diagnostics } of files.values()) {
      if (turn !== this.turn) return;
      this.collection.set(uri, diagnostics);
      if (files.size > 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function diagnosticOf({ problem, step, service }: Failure, place: EditorPlace): vscode.Diagnostic {
  const line = place.line ?? 0;
  // Without a column the whole line is meant; an empty range stands for the word there.
  const range =
    place.column === undefined ? new vscode.Range(line, 0, line, 10_000) : new vscode.Range(line, place.column, line, place.column);
  const times = problem.count === undefined ? '' : ` (${problem.count}×)`;
  const diagnostic = new vscode.Diagnostic(range, `${problem.message}${times}${since(place)}`, severities[problem.severity]);
  diagnostic.source = `${service.name} ${step}`;
  diagnostic.code = problem.source;
  return diagnostic;
}

/** What is not certain is said. */
export function since({ confidence, line }: EditorPlace): string {
  if (confidence === 'edited') return ' (edited since the delivery)';
  if (confidence === 'approximate') return ' (about here: edited since the delivery)';
  return confidence === 'file' && line === undefined ? ' (in this file: the line is gone or not known)' : '';
}

function moreThanShown(count: number): vscode.Diagnostic {
  const message = `${count} more problems of the last delivery are not shown here; the logs of its steps hold all.`;
  return new vscode.Diagnostic(new vscode.Range(0, 0, 0, 0), message, vscode.DiagnosticSeverity.Information);
}
