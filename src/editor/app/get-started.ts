import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Result } from '../../core/model/result';
import type { DeliveryNotifications } from '../pipeline/delivery-notifications';
import type { Cli } from './cli';

const definitionName = 'delivery.yaml';

/** Writes a `delivery.yaml` for each selected service of a folder that has none, and opens the files. */
export async function setUp(cli: Cli, notifications: DeliveryNotifications): Promise<void> {
  const folder = await pickFolder();
  if (folder === undefined) return;
  const file = path.join(folder, definitionName);
  if (fs.existsSync(file)) return void (await vscode.window.showTextDocument(vscode.Uri.file(file)));
  const failed = (text: string): void => notifications.showFailure('Could not set up delivery', text);
  const listed = await cli.output(['init', '--list', '--json'], folder);
  if (listed.code !== 0) return failed(listed.output);
  const folders = await pickServices(folder, JSON.parse(listed.output) as OfferedService[]);
  if (folders === undefined || folders.length === 0) return;
  const written = await cli.output(['init', ...folders, '--json'], folder);
  if (written.code !== 0) return failed(written.output);
  const { services } = JSON.parse(written.output) as {
    services: readonly { readonly file: string; readonly questions: readonly string[] }[];
  };
  for (const service of services) await vscode.window.showTextDocument(vscode.Uri.file(service.file), { preview: false });
  const [question] = services.flatMap(({ questions }) => questions);
  if (question !== undefined) void vscode.window.showInformationMessage(`${definitionName} has an open question: ${question}`);
}

interface OfferedService {
  readonly folder: string;
  readonly service: string;
}

/** Returns the folders of the selected services, relative to `folder`. Asks only if there are several. */
async function pickServices(folder: string, offered: readonly OfferedService[]): Promise<string[] | undefined> {
  const items = offered.map((one) => ({
    label: one.service,
    description: path.relative(folder, one.folder),
    picked: true,
    place: path.relative(folder, one.folder) || '.',
  }));
  if (items.length < 2) return items.map(({ place }) => place);
  const picked = await vscode.window.showQuickPick(items, { canPickMany: true, title: 'Select the Services to Set Up' });
  return picked?.map(({ place }) => place);
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
