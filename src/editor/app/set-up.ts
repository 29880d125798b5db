import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Cli } from './cli';
import type { DeliveryEnd } from '../pipeline/delivery-end';

const definitionName = 'delivery.yaml';

/** Writes the first `delivery.yaml` of a folder and shows it; one that is there is only shown. */
export async function setUp(cli: Cli, end: DeliveryEnd): Promise<void> {
  const folder = await pickFolder();
  if (folder === undefined) return;
  const file = path.join(folder, definitionName);
  if (!fs.existsSync(file)) {
    const ended = await cli.start(['init'], folder).end;
    if (ended.code !== 0) return end.complain('Delivery could not be set up', ended.complaint);
  }
  await vscode.window.showTextDocument(vscode.Uri.file(file));
}

async function pickFolder(): Promise<string | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const [only] = folders;
  if (only && folders.length === 1) return only.uri.fsPath;
  if (only) return (await vscode.window.showWorkspaceFolderPick({ placeHolder: 'Set up delivery for which folder?' }))?.uri.fsPath;
  const open = 'Open Folder';
  const answer = await vscode.window.showInformationMessage('Open the folder of a service first: delivery is set up in it.', open);
  if (answer === open) await vscode.commands.executeCommand('vscode.openFolder');
  return undefined;
}
