import * as vscode from 'vscode';
import type { Failure } from './failures';
import { mostPlaced, type EditorPlace, type ProblemPlaces } from './problem-places';

const severities = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
} as const;

/** The problems that stand, in the Problems panel and on their lines. */
export class ProblemDiagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('deliver-problems');

  constructor(private readonly places: ProblemPlaces) {}

  update(failures: readonly Failure[]): void {
    const files = new Map<string, { uri: vscode.Uri; diagnostics: vscode.Diagnostic[] }>();
    const add = (uri: vscode.Uri, diagnostic: vscode.Diagnostic): void => {
      const file = files.get(uri.toString()) ?? { uri, diagnostics: [] };
      file.diagnostics.push(diagnostic);
      files.set(uri.toString(), file);
    };
    for (const failure of failures.slice(0, mostPlaced)) {
      const place = this.places.of(failure);
      if (place) add(place.uri, diagnosticOf(failure, place));
    }
    const [first] = failures;
    if (first && failures.length > mostPlaced) add(vscode.Uri.file(first.service.file), moreThanShown(failures.length - mostPlaced));
    this.collection.clear();
    this.collection.set([...files.values()].map(({ uri, diagnostics }) => [uri, diagnostics]));
  }

  dispose(): void {
    this.collection.dispose();
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
