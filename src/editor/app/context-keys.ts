import * as vscode from 'vscode';

/** The keys that menus and welcome views look at; VS Code is told only of what differs. */
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
