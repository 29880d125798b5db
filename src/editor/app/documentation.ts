import * as vscode from 'vscode';
import { matchingPages } from './documentation-pages';

/** Opens the preview of the page that matches `text`. Shows a quick pick if several pages match. `folder` contains the pages. */
export async function openDocumentation(folder: vscode.Uri, text?: string): Promise<void> {
  const items = matchingPages(text).map(({ name, title, contents }) => ({ label: title, detail: contents, name }));
  const page = items.length === 1 ? items[0] : await vscode.window.showQuickPick(items, { title: 'Documentation', matchOnDetail: true });
  if (page) await vscode.commands.executeCommand('markdown.showPreview', vscode.Uri.joinPath(folder, `${page.name}.md`));
}
