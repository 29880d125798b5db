import * as vscode from 'vscode';
import { workingDefinition } from '../pipeline/parser';
import type { Service } from './state';

export type Secrets = Readonly<Record<string, string>>;

/** Keeps the secrets that steps declare in the editor's secret storage, separately for each service. */
export class SecretStore {
  constructor(private readonly store: vscode.SecretStorage) {}

  /** Fires when a secret changes in any window. */
  get onDidChange(): vscode.Event<unknown> {
    return this.store.onDidChange;
  }

  /** Returns the secrets that are set and the names of the others. Never prompts. */
  async known(service: Service): Promise<{ readonly values: Secrets; readonly missing: readonly string[] }> {
    const values: Record<string, string> = {};
    const missing: string[] = [];
    for (const name of await this.declared(service)) {
      const value = await this.store.get(keyOf(service, name));
      if (value !== undefined) values[name] = value;
      else if (process.env[name] === undefined) missing.push(name);
    }
    return { values, missing };
  }

  /** Returns the secrets for the runner and prompts for missing ones; undefined if a prompt was dismissed. */
  async collect(service: Service): Promise<Secrets | undefined> {
    const { values, missing } = await this.known(service);
    const entered: Record<string, string> = {};
    for (const name of missing) {
      const value = await this.prompt(service, name);
      if (value === undefined) return undefined;
      entered[name] = value;
    }
    return { ...values, ...entered };
  }

  /** Prompts for missing secrets until a prompt is dismissed. */
  async promptForMissing(service: Service): Promise<void> {
    for (const name of (await this.known(service)).missing) if ((await this.prompt(service, name)) === undefined) return;
  }

  /** Prompts for a name and a value. An empty value deletes the secret. */
  async set(service: Service): Promise<void> {
    const declared = await this.declared(service);
    const title = `Set Secret of ${service.name}`;
    const name =
      declared.length > 0
        ? await vscode.window.showQuickPick(declared, { title, placeHolder: 'Select a secret' })
        : await vscode.window.showInputBox({
            title,
            prompt: 'No step in delivery.yaml declares a secret yet. Enter the name of a secret.',
            validateInput: checkName,
          });
    if (name !== undefined) await this.prompt(service, name);
  }

  private async prompt(service: Service, name: string): Promise<string | undefined> {
    const value = await vscode.window.showInputBox({
      title: `Secret ${name} of ${service.name}`,
      prompt: 'Stored in the editor’s secret storage and masked in logs. Leave empty to continue without it.',
      password: true,
      ignoreFocusOut: true,
    });
    if (value === undefined) return undefined;
    if (value === '') await this.store.delete(keyOf(service, name));
    else await this.store.store(keyOf(service, name), value);
    return value;
  }

  private async declared(service: Service): Promise<string[]> {
    return [...new Set((await workingDefinition(service))?.steps.flatMap((step) => step.secrets) ?? [])];
  }
}

function keyOf(service: Service, name: string): string {
  return `${service.home.folder}/${service.name}/${name}`;
}

function checkName(name: string): string | undefined {
  return /^[A-Za-z_]\w*$/.test(name) ? undefined : 'Use letters, digits and underscores.';
}
