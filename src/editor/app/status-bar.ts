import * as vscode from 'vscode';
import { Paced } from './change-event';
import type { StatusText } from './status-text';

/** The one item of the status bar. */
export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('deliver.status', vscode.StatusBarAlignment.Left, 10);
  private readonly drawing = new Paced(() => this.draw());
  private clock: NodeJS.Timeout | undefined;

  /** `content` answers what to show now; `undefined` shows nothing. */
  constructor(private readonly content: () => StatusText | undefined) {
    this.item.name = 'Deliver';
  }

  update(): void {
    this.drawing.ask();
  }

  private draw(): void {
    const content = this.content();
    clearTimeout(this.clock);
    if (!content) return this.item.hide();
    this.item.text = content.text;
    this.item.tooltip = content.tooltip;
    this.item.command = { command: content.click, title: '', arguments: [{ service: content.service }] };
    this.item.accessibilityInformation = { label: content.ariaLabel };
    this.item.backgroundColor = content.look === 'failed' ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
    this.item.show();
    if (content.ticks) this.clock = setTimeout(() => this.update(), 1000);
  }

  dispose(): void {
    clearTimeout(this.clock);
    this.drawing.dispose();
    this.item.dispose();
  }
}
