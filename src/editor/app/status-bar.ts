import * as vscode from 'vscode';
import { plain } from '../../core/support/terminal-text';
import { Throttle } from './change-event';
import type { StatusText } from './status-text';

/** The extension's status bar item. */
export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('deliver.status', vscode.StatusBarAlignment.Left, 10);
  private readonly drawing = new Throttle(() => this.draw());
  private clock: NodeJS.Timeout | undefined;

  /** `content` returns undefined to hide the item. */
  constructor(private readonly content: () => StatusText | undefined) {
    this.item.name = 'Deliver';
  }

  update(): void {
    this.drawing.schedule();
  }

  private draw(): void {
    const content = this.content();
    clearTimeout(this.clock);
    if (!content) return this.item.hide();
    this.item.text = plain(content.text);
    this.item.tooltip = tooltipOf({ ...content, tooltip: plain(content.tooltip) });
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

/** Returns the tooltip with its links. Only their commands are trusted: the text may come from a commit. */
function tooltipOf({ tooltip, links = [], service }: StatusText): string | vscode.MarkdownString {
  if (links.length === 0) return tooltip;
  const markdown = new vscode.MarkdownString().appendText(tooltip);
  const target = encodeURIComponent(JSON.stringify({ service }));
  markdown.appendMarkdown(`\n\n${links.map(({ label, command }) => `[${label}](command:${command}?${target})`).join(' · ')}`);
  markdown.isTrusted = { enabledCommands: links.map(({ command }) => command) };
  return markdown;
}

/** Sets the context keys of menus and welcome views. Calls VS Code only for keys whose value differs. */
export class ContextKeys {
  private readonly set = new Map<string, string | boolean>();

  update(keys: Readonly<Record<string, string | boolean>>): void {
    for (const [name, value] of Object.entries(keys)) {
      if (this.set.get(name) === value) continue;
      this.set.set(name, value);
      void vscode.commands.executeCommand('setContext', `deliver.${name}`, value);
    }
  }
}
