import * as path from 'node:path';
import * as vscode from 'vscode';
import type { unpackSample } from '../../core/runner/sample';

type Unpack = (target: string) => ReturnType<typeof unpackSample>;

/** Returns a function that unpacks the sample from the folder `media`. */
export function lazySample(media: string): Unpack {
  return async (target) => (await import('../../core/runner/sample')).unpackSample(target, media);
}

/** Asks for a folder, unpacks the sample into a new one in it and opens that in this window. */
export async function openSample(unpack: Unpack): Promise<void> {
  const [parent] =
    (await vscode.window.showOpenDialog({
      title: 'Where should the sample be put?',
      openLabel: 'Put the Sample Here',
      canSelectFiles: false,
      canSelectFolders: true,
    })) ?? [];
  if (!parent) return;
  const options = { location: vscode.ProgressLocation.Notification, title: 'Unpacking the sample' };
  const unpacked = await vscode.window.withProgress(options, () => unpack(path.join(parent.fsPath, 'deliver-sample')));
  if (unpacked.ok) await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(unpacked.value.folder));
  else void vscode.window.showErrorMessage(`The sample could not be unpacked: ${unpacked.failure.message}`);
}
