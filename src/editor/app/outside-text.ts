import * as vscode from 'vscode';
import type { CommandTarget } from '../tree/row';

/** Text from outside as text, the first paragraph in bold: no markup of it has a meaning. */
export function outsideText(title: string, ...paragraphs: readonly (string | undefined)[]): vscode.MarkdownString {
  const markdown = new vscode.MarkdownString('**').appendText(title).appendMarkdown('**');
  for (const paragraph of paragraphs)
    if (paragraph !== undefined && paragraph !== '') markdown.appendMarkdown('\n\n').appendText(paragraph);
  return markdown;
}

/** A link to a command of ours: nothing else in it is trusted. */
export function commandLink(label: string, command: string, subject: CommandTarget): vscode.MarkdownString {
  const argument = encodeURIComponent(JSON.stringify([subject])).replace(/[()]/g, (bracket) => (bracket === '(' ? '%28' : '%29'));
  const markdown = new vscode.MarkdownString(`[${label}](command:${command}?${argument})`);
  markdown.isTrusted = { enabledCommands: [command] };
  return markdown;
}

/** A link that leads out to the web; the editor asks before it opens. */
export function webLink(label: string, url: string): string {
  return `[${label}](<${new URL(url).href.replace(/[<>\\]/g, encodeURIComponent)}>)`;
}
