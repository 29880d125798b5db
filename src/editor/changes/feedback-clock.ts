import * as fs from 'node:fs';
import * as vscode from 'vscode';
import type { FeedbackStore } from './feedback-store';

const tickMs = 15_000;
const fastMs = 60_000;
const slowMs = 10 * 60_000;
const fileMs = 2_000;

/** When sources are asked: often while somebody looks, seldom otherwise, never where it is switched off. */
export class FeedbackClock implements vscode.Disposable {
  private readonly timer: NodeJS.Timeout;
  private readonly events: vscode.Disposable;
  private readonly watched = new Set<string>();

  constructor(
    private readonly feedback: FeedbackStore,
    private readonly isVisible: () => boolean,
  ) {
    this.timer = setInterval(() => this.tick(), tickMs);
    this.events = vscode.Disposable.from(
      vscode.window.onDidChangeWindowState(() => this.tick()),
      vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration('deliver.feedback.poll') && this.tick()),
    );
  }

  /** Somebody looks, or stopped to. */
  tick(): void {
    if (!vscode.workspace.isTrusted || !isOn()) return this.unwatch();
    const isLookedAt = this.isVisible() && vscode.window.state.focused;
    void this.feedback.ask(isLookedAt ? fastMs : slowMs).then(() => this.watch());
  }

  dispose(): void {
    clearInterval(this.timer);
    this.events.dispose();
    this.unwatch();
  }

  /** Files tell by themselves, also those that are still to come. */
  private watch(): void {
    if (!isOn()) return;
    for (const file of this.feedback.watched) {
      if (this.watched.has(file)) continue;
      this.watched.add(file);
      fs.watchFile(file, { interval: fileMs, persistent: false }, this.changed);
    }
  }

  private readonly changed = (now: fs.Stats, before: fs.Stats): void => {
    if (now.mtimeMs !== before.mtimeMs || now.size !== before.size) void this.feedback.askFiles();
  };

  private unwatch(): void {
    for (const file of this.watched) fs.unwatchFile(file, this.changed);
    this.watched.clear();
  }
}

function isOn(): boolean {
  return vscode.workspace.getConfiguration('deliver.feedback').get('poll', true);
}
