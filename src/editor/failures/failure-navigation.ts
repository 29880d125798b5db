import * as vscode from 'vscode';
import type { Store } from '../app/store';
import type { CommandTarget } from '../tree/row';
import { failuresOf, problemsOf, type Failure } from './failures';
import type { EditorPlace, ProblemPlaces } from './problem-places';

/** Opens the places of failures. */
export class FailureNavigation {
  private last: string | undefined;

  constructor(
    private readonly store: Store,
    private readonly places: ProblemPlaces,
    private readonly openLog: (target: CommandTarget) => Promise<void>,
  ) {}

  /** Opens the problem of a row, or the first of a step, a run or the window. */
  async open(target: CommandTarget): Promise<void> {
    const failure = this.find(target);
    if (!failure) return reportNoFailure();
    await this.show(failure);
  }

  /** Opens the next or previous failure in the order of the pipeline. Starts over after the last. */
  async move(by: 1 | -1): Promise<void> {
    const errors = this.all();
    const at = errors.findIndex((failure) => failure.id === this.last);
    const next = errors[at < 0 ? (by > 0 ? 0 : errors.length - 1) : (at + by + errors.length) % errors.length];
    if (!next) return reportNoFailure();
    await this.show(next);
  }

  find(target: CommandTarget): Failure | undefined {
    const services = this.store.state.services.filter((service) => target.service === undefined || service.key === target.service);
    if (target.run === undefined) return services.flatMap(failuresOf).find((failure) => matches(failure, target));
    return services
      .flatMap((service) =>
        service.runs.filter((run) => run.id === target.run).flatMap((run) => run.steps.flatMap((step) => problemsOf(service, run, step))),
      )
      .find((failure) => matches(failure, target));
  }

  private async show(failure: Failure): Promise<void> {
    this.last = failure.id;
    const { service, run, step, problem } = failure;
    const place = this.places.of(failure) ?? (vscode.workspace.isTrusted ? await this.places.find(failure) : undefined);
    if (!place) return this.openLog({ service: service.key, run: run.id, step, problem: failure.id });
    await showPlace(place);
    const all = this.all();
    const index = all.findIndex((candidate) => candidate.id === failure.id);
    const position = index < 0 ? '' : `${index + 1} of ${all.length}: `;
    vscode.window.setStatusBarMessage(`$(error) ${position}${problem.message.split('\n')[0]?.slice(0, 120)}`, 5000);
  }

  /** Returns the errors, or the warnings if no problem is an error. */
  private all(): Failure[] {
    const failures = this.store.state.services.flatMap(failuresOf);
    const errors = failures.filter((failure) => failure.problem.severity === 'error');
    return errors.length > 0 ? errors : failures;
  }
}

function matches(failure: Failure, { step, problem }: CommandTarget): boolean {
  return (step === undefined || failure.step === step) && (problem === undefined || failure.id === problem);
}

function reportNoFailure(): void {
  void vscode.window.showInformationMessage('No failed delivery to show.');
}

/** Opens a file at a place, and centers the line if it was out of view. */
async function showPlace({ uri, line, column }: EditorPlace): Promise<void> {
  const position = new vscode.Position(line ?? 0, column ?? 0);
  const editor = await vscode.window.showTextDocument(uri, line === undefined ? {} : { selection: new vscode.Range(position, position) });
  if (line === undefined) return;
  const start =
    column === undefined ? position.with({ character: editor.document.lineAt(line).firstNonWhitespaceCharacterIndex }) : position;
  editor.selection = new vscode.Selection(start, start);
  editor.revealRange(new vscode.Range(start, start), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
