import * as vscode from 'vscode';
import { failuresOf, problemsOf, type Failure } from './failures';
import type { EditorPlace, ProblemPlaces } from './problem-places';
import type { CommandTarget } from '../tree/row';
import type { Store } from '../app/store';

/** Goes to problems: to the one that is meant, to the next, to the one before. */
export class FailureJumps {
  private last: string | undefined;

  constructor(
    private readonly store: Store,
    private readonly places: ProblemPlaces,
    private readonly openLog: (subject: CommandTarget) => Promise<void>,
  ) {}

  /** The problem of a row or, without one, the first of a step, a run or the window. */
  async open(subject: CommandTarget): Promise<void> {
    const failure = this.meant(subject);
    if (!failure) return void vscode.window.showInformationMessage('No delivery of this window has a failure to go to.');
    await this.show(failure);
  }

  /** In the order of the pipeline, across files and services; after the last comes the first. */
  async step(by: 1 | -1): Promise<void> {
    const errors = this.all();
    const at = errors.findIndex((failure) => failure.id === this.last);
    const next = errors[at < 0 ? (by > 0 ? 0 : errors.length - 1) : (at + by + errors.length) % errors.length];
    if (!next) return void vscode.window.showInformationMessage('No delivery of this window has a failure to go to.');
    await this.show(next);
  }

  private async show(failure: Failure): Promise<void> {
    this.last = failure.id;
    const { service, run, step, problem } = failure;
    const place = this.places.of(failure) ?? (vscode.workspace.isTrusted ? await this.places.find(failure) : undefined);
    if (!place) return this.openLog({ service: service.key, run: run.id, step, problem: failure.id });
    await showPlace(place);
    const all = this.all();
    const number = all.findIndex((one) => one.id === failure.id);
    const of = number < 0 ? '' : `${number + 1} of ${all.length}: `;
    vscode.window.setStatusBarMessage(`$(error) ${of}${problem.message.split('\n')[0]?.slice(0, 120)}`, 5000);
  }

  /** Errors first: what only warns did not fail. */
  private all(): Failure[] {
    const failures = this.store.state.services.flatMap(failuresOf);
    const errors = failures.filter((failure) => failure.problem.severity === 'error');
    return errors.length > 0 ? errors : failures;
  }

  meant(subject: CommandTarget): Failure | undefined {
    const services = this.store.state.services.filter((service) => subject.service === undefined || service.key === subject.service);
    if (subject.run === undefined) return services.flatMap(failuresOf).find((failure) => matches(failure, subject));
    return services
      .flatMap((service) =>
        service.runs.filter((run) => run.id === subject.run).flatMap((run) => run.steps.flatMap((step) => problemsOf(service, run, step))),
      )
      .find((failure) => matches(failure, subject));
  }
}

function matches(failure: Failure, { step, problem }: CommandTarget): boolean {
  return (step === undefined || failure.step === step) && (problem === undefined || failure.id === problem);
}

/** Opens a file at a place, with the line in the middle where it was out of sight. */
export async function showPlace({ uri, line, column }: EditorPlace): Promise<void> {
  const at = new vscode.Position(line ?? 0, column ?? 0);
  const editor = await vscode.window.showTextDocument(uri, line === undefined ? {} : { selection: new vscode.Range(at, at) });
  if (line === undefined) return;
  // Without a column, where the text of the line begins.
  const start = column === undefined ? at.with({ character: editor.document.lineAt(at.line).firstNonWhitespaceCharacterIndex }) : at;
  editor.selection = new vscode.Selection(start, start);
  editor.revealRange(new vscode.Range(start, start), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
