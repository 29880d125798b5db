import * as vscode from 'vscode';

/** Returns whether programs may run. Otherwise explains why not, and offers to trust the folder. */
export function requireTrust(): boolean {
  if (vscode.workspace.isTrusted) return true;
  void offerTrust();
  return false;
}

async function offerTrust(): Promise<void> {
  const manage = 'Manage Workspace Trust';
  const answer = await vscode.window.showInformationMessage('This folder is in Restricted Mode. Trust it to run this command.', manage);
  if (answer === manage) await vscode.commands.executeCommand('workbench.trust.manage');
}
