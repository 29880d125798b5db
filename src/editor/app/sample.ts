import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Result } from '../../core/model/result';

type Unpack = (target: string) => Promise<Result<{ readonly folder: string }>>;

/** The sample's unpacking, a bundle of its own: loaded by the first call. */
export function lazySample(dist: string): Unpack {
  return async (target) => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- resolved at run time, on first use
    const { unpackSample } = require(path.join(dist, 'sample.js')) as { unpackSample: Unpack };
    return unpackSample(target);
  };
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
