import * as vscode from 'vscode';
import { openRepository } from '../../core/git/repository';
import { describeChange, revertChange } from '../../core/git/revert';
import { findSuspects, type Suspect } from '../../core/history/suspects';
import type { RunState } from '../../core/model/run-state';
import type { CommittedDocuments } from './committed-documents';
import type { FailureJumps } from './failure-jumps';
import { lastGood, type Failure } from './failures';
import type { ProblemPlaces } from './problem-places';
import type { CommandTarget } from '../tree/row';
import { age, joined, shortCommit } from '../../core/support/format';

interface SuspectItem extends vscode.QuickPickItem {
  readonly suspect?: Suspect;
}

const compareButton = { iconPath: new vscode.ThemeIcon('git-compare'), tooltip: 'Compare with Last Good' };
const revertButton = { iconPath: new vscode.ThemeIcon('discard'), tooltip: 'Revert This Change…' };

/** The changes that may have caused a failure: shows them, compares with what passed, takes one back. */
export class Suspects {
  constructor(
    private readonly jumps: FailureJumps,
    private readonly places: ProblemPlaces,
    private readonly documents: CommittedDocuments,
  ) {}

  async show(subject: CommandTarget): Promise<void> {
    const failure = this.jumps.meant(subject);
    if (!failure) return void vscode.window.showInformationMessage('No delivery of this window has a failure with suspects.');
    const found = await this.find(failure);
    if (typeof found === 'string') return void vscode.window.showErrorMessage(found);
    const good = lastGood(failure.service, failure.run, failure.step);
    const pick = vscode.window.createQuickPick<SuspectItem>();
    pick.title = `Changes since ${failure.step} last passed`;
    pick.placeholder = good
      ? `It passed with ${shortCommit(good.change.commit)} ${good.change.subject}`
      : `${failure.step} has never passed: only the change that failed`;
    pick.matchOnDescription = true;
    pick.items = itemsOf(failure, found);
    pick.onDidAccept(() => {
      const suspect = pick.selectedItems[0]?.suspect;
      pick.hide();
      if (suspect) void this.showChange(failure, suspect);
    });
    pick.onDidTriggerItemButton(({ button, item }) => {
      pick.hide();
      if (button === compareButton) void this.compareWith(failure);
      else if (item.suspect) void this.revert(failure, item.suspect);
    });
    pick.onDidHide(() => pick.dispose());
    pick.show();
  }

  /** The file of a failure as it was when the step last passed, beside the file as it is now. */
  async compare(subject: CommandTarget): Promise<void> {
    const failure = this.jumps.meant(subject);
    if (!failure) return void vscode.window.showInformationMessage('No delivery of this window has a failure to compare.');
    await this.compareWith(failure);
  }

  private async compareWith(failure: Failure): Promise<void> {
    const { service, problem, step } = failure;
    const good = lastGood(failure.service, failure.run, failure.step);
    const now = await this.places.find(failure);
    if (!good) return void vscode.window.showInformationMessage(`${step} has never passed: there is nothing good to compare with.`);
    if (problem.path === undefined || !now)
      return void vscode.window.showInformationMessage('This failure names no file that could be compared.');
    const title = `${problem.path} (${shortCommit(good.change.commit)}, when ${step} passed ↔ now)`;
    await vscode.commands.executeCommand('vscode.diff', this.documents.uri(service, good.change.commit, problem.path), now.uri, title);
  }

  private async find({ service, run, problem, ...failure }: Failure): Promise<Suspect[] | string> {
    const repository = await openRepository(service.root);
    if (!repository.ok) return repository.failure.message;
    const good = lastGood(service, run, failure.step);
    const scene = { ...(problem.path !== undefined && { path: problem.path }), stack: problem.stack ?? [] };
    const found = await findSuspects(repository.value, service.home, good?.change.commit, run.change.commit, scene);
    return found.ok ? found.value : found.failure.message;
  }

  private async showChange({ service, problem }: Failure, suspect: Suspect): Promise<void> {
    // The file of the failure is what is looked for.
    const own = problem.path !== undefined && suspect.files.includes(problem.path) ? [problem.path] : suspect.files;
    await this.documents.compare(
      service,
      suspect,
      own.map((path) => ({ path, before: path })),
    );
  }

  private async revert({ service }: Failure, suspect: Suspect): Promise<void> {
    const repository = await openRepository(service.root);
    if (!repository.ok) return void vscode.window.showErrorMessage(repository.failure.message);
    const told = await describeChange(repository.value, suspect.commit);
    if (!told.ok) return void vscode.window.showInformationMessage('These changes are not committed: there is no commit to revert.');
    const revert = 'Revert';
    const detail = `A new commit undoes this one. It stays in the history.\n\n${told.value.trim()}`;
    if ((await vscode.window.showWarningMessage(`Revert “${suspect.subject}”?`, { modal: true, detail }, revert)) !== revert) return;
    const reverted = await revertChange(repository.value, suspect.commit);
    if (!reverted.ok) return void vscode.window.showErrorMessage(joined([reverted.failure.message, reverted.failure.hint], '. '));
    const deliver = 'Deliver';
    const answer = await vscode.window.showInformationMessage(`“${suspect.subject}” is reverted. Nothing is delivered yet.`, deliver);
    if (answer === deliver) await vscode.commands.executeCommand('deliver.deliver', { service: service.key });
  }
}

function itemsOf({ problem, run }: Failure, suspects: readonly Suspect[]): SuspectItem[] {
  if (suspects.length === 0) return [{ label: 'Nothing has changed since: what failed depends on something else' }];
  const groups = [
    { label: `Changed ${problem.path ?? 'the place'}`, suspects: suspects.filter((one) => one.touches === 'place') },
    { label: 'Changed what the stack names', suspects: suspects.filter((one) => one.touches === 'stack') },
    { label: 'Other changes', suspects: suspects.filter((one) => one.touches === 'other') },
  ];
  return groups.flatMap((group): SuspectItem[] =>
    group.suspects.length === 0
      ? []
      : [{ label: group.label, kind: vscode.QuickPickItemKind.Separator }, ...group.suspects.map((suspect) => itemOf(suspect, run))],
  );
}

function itemOf(suspect: Suspect, run: RunState): SuspectItem {
  const uncommitted = run.change.dirty && suspect.commit === run.change.commit;
  const files = `${suspect.files.length} ${suspect.files.length === 1 ? 'file' : 'files'}`;
  return {
    label: suspect.subject,
    description: joined(
      uncommitted ? ['not committed', files] : [shortCommit(suspect.commit), suspect.author, age(suspect.date, Date.now()), files],
    ),
    iconPath: new vscode.ThemeIcon(uncommitted ? 'edit' : 'git-commit'),
    buttons: uncommitted ? [compareButton] : [compareButton, revertButton],
    suspect,
  };
}
