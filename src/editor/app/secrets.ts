import * as vscode from 'vscode';
import type { lazyParser } from '../pipeline/parser';
import type { Service } from './state';
import { workingDefinition } from '../pipeline/working-definition';

export type Secrets = Readonly<Record<string, string>>;

/** Secrets that a service's steps declare, kept in the editor's secret store, each for its service alone. */
export class SecretStore {
  constructor(
    private readonly store: vscode.SecretStorage,
    private readonly parse: ReturnType<typeof lazyParser>,
  ) {}

  /** One was set or forgotten, here or in another window. */
  get onDidChange(): vscode.Event<unknown> {
    return this.store.onDidChange;
  }

  /** Those that are set, and the names of those that are not; asks nothing. */
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

  /** Those to hand to the runner; asks for what is missing. `undefined`: the user gave up. */
  async collect(service: Service): Promise<Secrets | undefined> {
    const { values, missing } = await this.known(service);
    const asked: Record<string, string> = {};
    for (const name of missing) {
      const value = await this.ask(service, name);
      if (value === undefined) return undefined;
      asked[name] = value;
    }
    return { ...values, ...asked };
  }

  /** Asks for the values of those that are not set, until the user gives up. */
  async askForMissing(service: Service): Promise<void> {
    for (const name of (await this.known(service)).missing) if ((await this.ask(service, name)) === undefined) return;
  }

  /** Asks which one, and for its value; an empty value forgets it. */
  async set(service: Service): Promise<void> {
    const declared = await this.declared(service);
    const title = `Set a Secret of ${service.name}`;
    const name =
      declared.length > 0
        ? await vscode.window.showQuickPick(declared, { title, placeHolder: 'Which secret?' })
        : await vscode.window.showInputBox({
            title,
            prompt: 'No step of delivery.yaml declares a secret yet. Name one.',
            validateInput: checkName,
          });
    if (name !== undefined) await this.ask(service, name);
  }

  private async ask(service: Service, name: string): Promise<string | undefined> {
    const value = await vscode.window.showInputBox({
      title: `Secret ${name} of ${service.name}`,
      prompt: 'It is kept in the secret store of the editor and masked in logs. Empty: go on without it.',
      password: true,
      ignoreFocusOut: true,
    });
    if (value === undefined) return undefined;
    if (value === '') await this.store.delete(keyOf(service, name));
    else await this.store.store(keyOf(service, name), value);
    return value;
  }

  private async declared(service: Service): Promise<string[]> {
    const definition = await workingDefinition(service, this.parse);
    return [...new Set(definition?.steps.flatMap((step) => step.secrets) ?? [])];
  }
}

function keyOf(service: Service, name: string): string {
  return `${service.home.folder}/${service.name}/${name}`;
}

function checkName(name: string): string | undefined {
  return /^[A-Za-z_]\w*$/.test(name) ? undefined : 'Letters, digits and underscores, as in an environment variable.';
}
