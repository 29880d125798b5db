import * as vscode from 'vscode';
import { openRepository } from '../../core/git/repository';
import { describeChange, revertChange } from '../../core/git/revert';
import { findSuspects, type Suspect } from '../../core/history/suspects';
import type { RunState } from '../../core/model/run-state';
import { age, counted, joined, shortCommit } from '../../core/support/format';
import type { CommandTarget } from '../tree/row';
import type { CommittedDocuments } from './committed-documents';
import type { FailureNavigation } from './failure-navigation';
import { lastGood, type Failure } from './failures';
import type { ProblemPlaces } from './problem-places';

interface SuspectItem extends vscode.QuickPickItem {
  readonly suspect?: Suspect;
}

const compareButton = { iconPath: new vscode.ThemeIcon('git-compare'), tooltip: 'Compare with Last Passing Version' };
const revertButton = { iconPath: new vscode.ThemeIcon('discard'), tooltip: 'Revert Change…' };

/** Shows the changes that may have caused a failure, compares with the last passing version, and reverts a change. */
export class Suspects {
  constructor(
    private readonly failures: FailureNavigation,
    private readonly places: ProblemPlaces,
    private readonly documents: CommittedDocuments,
  ) {}

  async show(target: CommandTarget): Promise<void> {
    const failure = this.failures.find(target);
    if (!failure) return void vscode.window.showInformationMessage('No failed delivery to investigate.');
    const found = await this.find(failure);
    if (typeof found === 'string') return void vscode.window.showErrorMessage(found);
    const good = lastGood(failure.service, failure.run, failure.step);
    const pick = vscode.window.createQuickPick<SuspectItem>();
    pick.title = `Changes since ${failure.step} last passed`;
    pick.placeholder = good
      ? `Passed with ${shortCommit(good.change.commit)} ${good.change.subject}`
      : `${failure.step} has never passed. Only the failed change is listed.`;
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

  /** Compares the file of a failure, or a file of its stack, with its version when the step last passed. */
  async compare(target: CommandTarget): Promise<void> {
    const failure = this.failures.find(target);
    if (!failure) return void vscode.window.showInformationMessage('No failed delivery to compare.');
    await this.compareWith(failure);
  }

  private async compareWith(failure: Failure): Promise<void> {
    const { service, run, step } = failure;
    const good = lastGood(service, run, step);
    if (!good) return void vscode.window.showInformationMessage(`${step} has never passed, so there is no version to compare with.`);
    const { commit } = good.change;
    const file = await this.places.changeSince(commit, failure);
    if (!file) return void vscode.window.showInformationMessage('This failure names no file to compare.');
    const passed = `${shortCommit(commit)}, when ${step} passed`;
    if (!file.isChanged) {
      const show = 'Show Changes';
      const answer = await vscode.window.showInformationMessage(`${file.path} did not change since ${passed}.`, show);
      if (answer === show) await this.show({ service: service.key, run: run.id, step, problem: failure.id });
      return;
    }
    const { path, before, uri } = file;
    const earlier = this.documents.uri(service, before === undefined ? undefined : commit, before ?? path);
    await vscode.commands.executeCommand('vscode.diff', earlier, uri, `${path} (${passed} ↔ now)`);
  }

  private async find({ service, run, problem, ...failure }: Failure): Promise<Suspect[] | string> {
    const repository = await openRepository(service.root);
    if (!repository.ok) return repository.failure.message;
    const good = lastGood(service, run, failure.step);
    const place = { path: problem.path, stack: problem.stack ?? [] };
    const found = await findSuspects(repository.value, service.home, good?.change.commit, run.change.commit, place);
    return found.ok ? found.value : found.failure.message;
  }

  private async showChange({ service, problem }: Failure, suspect: Suspect): Promise<void> {
    const files = problem.path !== undefined && suspect.files.includes(problem.path) ? [problem.path] : suspect.files;
    await this.documents.compare(
      service,
      suspect,
      files.map((path) => ({ path, before: path })),
    );
  }

  private async revert({ service }: Failure, suspect: Suspect): Promise<void> {
    const repository = await openRepository(service.root);
    if (!repository.ok) return void vscode.window.showErrorMessage(repository.failure.message);
    const described = await describeChange(repository.value, suspect.commit);
    if (!described.ok) return void vscode.window.showInformationMessage('These changes are not committed, so there is nothing to revert.');
    const revert = 'Revert';
    const detail = `A new commit undoes this one. Both stay in the history.\n\n${described.value.trim()}`;
    if ((await vscode.window.showWarningMessage(`Revert “${suspect.subject}”?`, { modal: true, detail }, revert)) !== revert) return;
    const reverted = await revertChange(repository.value, suspect.commit);
    if (!reverted.ok) return void vscode.window.showErrorMessage(joined([reverted.failure.message, reverted.failure.hint], '. '));
    const deliver = 'Deliver';
    const answer = await vscode.window.showInformationMessage(`Reverted “${suspect.subject}”. The revert is not delivered yet.`, deliver);
    if (answer === deliver) await vscode.commands.executeCommand('deliver.deliver', { service: service.key });
  }
}

function itemsOf({ problem, run }: Failure, suspects: readonly Suspect[]): SuspectItem[] {
  if (suspects.length === 0) return [{ label: 'No changes since then. The failure has another cause.' }];
  const groups = [
    { label: `Touches ${problem.path ?? 'the place'}`, suspects: suspects.filter(({ touches }) => touches === 'place') },
    { label: 'Touches the stack trace', suspects: suspects.filter(({ touches }) => touches === 'stack') },
    { label: 'Other changes', suspects: suspects.filter(({ touches }) => touches === 'other') },
  ];
  return groups.flatMap((group): SuspectItem[] =>
    group.suspects.length === 0
      ? []
      : [{ label: group.label, kind: vscode.QuickPickItemKind.Separator }, ...group.suspects.map((suspect) => itemOf(suspect, run))],
  );
}

function itemOf(suspect: Suspect, run: RunState): SuspectItem {
  const uncommitted = run.change.dirty && suspect.commit === run.change.commit;
  const files = counted(suspect.files.length, 'file');
  return {
    label: suspect.subject,
    description: joined(uncommitted ? ['not committed', files] : [shortCommit(suspect.commit), suspect.author, age(suspect.date), files]),
    iconPath: new vscode.ThemeIcon(uncommitted ? 'edit' : 'git-commit'),
    buttons: uncommitted ? [compareButton] : [compareButton, revertButton],
    suspect,
  };
}
