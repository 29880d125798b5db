import * as vscode from 'vscode';
import { counted } from '../../core/support/format';
import { plain } from '../../core/support/terminal-text';
import type { Failure } from './failures';
import { maxPlacedProblems, type EditorPlace, type ProblemPlaces } from './problem-places';

const severities = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
} as const;

const batchSize = 100;

/** Shows the current failures in the Problems panel and on their lines. */
export class ProblemDiagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('deliver-problems');
  private shown: readonly vscode.Uri[] = [];
  private latest = 0;

  constructor(private readonly places: ProblemPlaces) {}

  update(failures: readonly Failure[]): void {
    void this.show(failures, ++this.latest);
  }

  dispose(): void {
    this.latest += 1;
    this.collection.dispose();
  }

  private async show(failures: readonly Failure[], turn: number): Promise<void> {
    const files = new Map<string, { uri: vscode.Uri; diagnostics: vscode.Diagnostic[] }>();
    const add = (uri: vscode.Uri, diagnostic: vscode.Diagnostic): void => {
      const file = files.get(uri.toString()) ?? { uri, diagnostics: [] };
      file.diagnostics.push(diagnostic);
      files.set(uri.toString(), file);
    };
    for (const [index, failure] of failures.slice(0, maxPlacedProblems).entries()) {
      // Pauses between batches keep the editor responsive.
      if (index % batchSize === batchSize - 1) await new Promise((resolve) => setImmediate(resolve));
      if (turn !== this.latest) return;
      const place = this.places.of(failure);
      if (place) add(place.uri, diagnosticOf(failure, place));
    }
    const [first] = failures;
    if (first && failures.length > maxPlacedProblems)
      add(vscode.Uri.file(first.service.file), moreThanShown(failures.length - maxPlacedProblems));
    for (const uri of this.shown) if (!files.has(uri.toString())) this.collection.delete(uri);
    this.shown = [...files.values()].map(({ uri }) => uri);
    for (const { uri, diagnostics } of files.values()) {
      if (turn !== this.latest) return;
      this.collection.set(uri, diagnostics);
      if (files.size > 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function diagnosticOf({ problem, step, service }: Failure, place: EditorPlace): vscode.Diagnostic {
  const line = place.line ?? 0;
  // VS Code extends an empty range to the word. Without a column, the range is the line.
  const range =
    place.column === undefined ? new vscode.Range(line, 0, line, 10_000) : new vscode.Range(line, place.column, line, place.column);
  const times = problem.count === undefined ? '' : ` (${problem.count}×)`;
  const diagnostic = new vscode.Diagnostic(
    range,
    `${plain(problem.message)}${times}${confidenceNote(place)}`,
    severities[problem.severity],
  );
  diagnostic.source = `${service.name} ${step}`;
  diagnostic.code = problem.source;
  return diagnostic;
}

/** Returns a note if the place is not exact. */
function confidenceNote({ confidence, line }: EditorPlace): string {
  if (confidence === 'edited') return ' (edited since the delivery)';
  if (confidence === 'approximate') return ' (near this line, edited since the delivery)';
  return confidence === 'file' && line === undefined ? ' (in this file, line unknown)' : '';
}

function moreThanShown(count: number): vscode.Diagnostic {
  const message = `${counted(count, 'more problem')} in the step logs of the last delivery.`;
  return new vscode.Diagnostic(new vscode.Range(0, 0, 0, 0), message, vscode.DiagnosticSeverity.Information);
}
