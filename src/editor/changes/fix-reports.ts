import * as vscode from 'vscode';
import type { PlacedItem } from '../../core/feedback/placed-item';
import type { FeedbackStore } from './feedback-store';
import { shortCommit } from '../../core/support/format';

const dayMs = 86_400_000;

/** Tells sources that a fix is delivered, where the user allows it: once for each, whatever window sees it first. */
export class FixReports implements vscode.Disposable {
  private readonly stop: () => void;

  constructor(private readonly feedback: FeedbackStore) {
    this.stop = feedback.changes.listen(() => {
      if (vscode.workspace.getConfiguration('deliver.feedback').get('commentOnFix', false)) void this.report();
    });
  }

  dispose(): void {
    this.stop();
  }

  private async report(): Promise<void> {
    for (const { service, feedback, actions } of this.feedback.news) {
      for (const placed of feedback?.items ?? []) {
        const reply = actions.get(placed.source)?.reply;
        if (!reply || !isNew(placed)) continue;
        const fixes = (await this.feedback.feedbackOf(service))?.fixes;
        if (!placed.fix || !fixes?.claimTelling(placed.source, placed.item, placed.fix)) continue;
        const { commit, subject, delivered } = placed.fix;
        const where = delivered?.environment === undefined ? '' : ` to ${delivered.environment}`;
        const answer = await reply(placed.item, `The fix is delivered${where}: ${shortCommit(commit)} ${subject}`);
        if (!answer.ok) void vscode.window.showWarningMessage(`${placed.source} was not told of the fix: ${answer.failure.message}`);
      }
    }
  }
}

/** What was delivered before the user allowed it is not told of. */
function isNew({ fix }: PlacedItem): boolean {
  return fix?.delivered !== undefined && Date.parse(fix.delivered.at) > Date.now() - dayMs;
}
