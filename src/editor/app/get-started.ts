import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Result } from '../../core/model/result';
import type { DeliveryNotifications } from '../pipeline/delivery-notifications';
import type { Cli } from './cli';

const definitionName = 'delivery.yaml';

/** Writes a `delivery.yaml` for a folder that has none, and opens it. */
export async function setUp(cli: Cli, notifications: DeliveryNotifications): Promise<void> {
  const folder = await pickFolder();
  if (folder === undefined) return;
  const file = path.join(folder, definitionName);
  if (!fs.existsSync(file)) {
    const exit = await cli.start(['init'], folder).exit;
    if (exit.code !== 0) return notifications.showFailure('Could not set up delivery', exit.stderr);
  }
  await vscode.window.showTextDocument(vscode.Uri.file(file));
}

async function pickFolder(): Promise<string | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const [only] = folders;
  if (only && folders.length === 1) return only.uri.fsPath;
  if (only) return (await vscode.window.showWorkspaceFolderPick({ placeHolder: 'Select the folder of the service' }))?.uri.fsPath;
  const open = 'Open Folder';
  const answer = await vscode.window.showInformationMessage('Open the folder of a service before you set up delivery.', open);
  if (answer === open) await vscode.commands.executeCommand('vscode.openFolder');
  return undefined;
}

type Unpack = (target: string) => Promise<Result<{ readonly folder: string }>>;

/** Returns a function that unpacks the sample from the folder `media`. */
export function lazySample(media: string): Unpack {
  return async (target) => (await import('../../core/runner/sample')).unpackSample(target, media);
}

/** Unpacks the sample into a new folder below a selected one, and opens it in this window. */
export async function openSample(unpack: Unpack): Promise<void> {
  const [parent] =
    (await vscode.window.showOpenDialog({
      title: 'Select a Folder for the Sample',
      openLabel: 'Create Sample Here',
      canSelectFiles: false,
      canSelectFolders: true,
    })) ?? [];
  if (!parent) return;
  const options = { location: vscode.ProgressLocation.Notification, title: 'Creating the sample' };
  const unpacked = await vscode.window.withProgress(options, () => unpack(path.join(parent.fsPath, 'deliver-sample')));
  if (unpacked.ok) await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(unpacked.value.folder));
  else void vscode.window.showErrorMessage(`Could not create the sample: ${unpacked.failure.message}`);
}
