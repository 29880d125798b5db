import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';

/** Makes `deliver.home` the folder of everything that this window starts, and of new terminals, unless `DELIVER_HOME` is set. */
export function applyHomeSetting({ environmentVariableCollection: terminals }: vscode.ExtensionContext): void {
  terminals.delete('DELIVER_HOME');
  const setting = vscode.workspace.getConfiguration('deliver').get('home', '').trim();
  if (setting === '' || process.env['DELIVER_HOME']) return;
  const home = path.resolve(os.homedir(), setting.replace(/^~(?=$|[\\/])/, os.homedir()));
  process.env['DELIVER_HOME'] = home;
  terminals.replace('DELIVER_HOME', home);
}
