import * as fs from 'node:fs';
import * as vscode from 'vscode';
import type { lazyParser } from './parser';
import type { Service } from './state';

export type Secrets = Readonly<Record<string, string>>;

/** Secrets that a service's steps declare, kept in the editor's secret store, each for its service alone. */
export class SecretStore {
  constructor(
    private readonly store: vscode.SecretStorage,
    private readonly parse: ReturnType<typeof lazyParser>,
  ) {}

  /** Those to hand to the runner; asks for what is missing. `undefined`: the user gave up. */
  async collect(service: Service): Promise<Secrets | undefined> {
    const secrets: Record<string, string> = {};
    for (const name of this.declared(service)) {
      const value =
        (await this.store.get(keyOf(service, name))) ?? (process.env[name] === undefined ? await this.ask(service, name) : undefined);
      if (value === undefined && process.env[name] === undefined) return undefined;
      if (value !== undefined) secrets[name] = value;
    }
    return secrets;
  }

  /** Asks which one, and for its value; an empty value forgets it. */
  async set(service: Service): Promise<void> {
    const declared = this.declared(service);
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

  private declared(service: Service): string[] {
    try {
      const { pipeline } = this.parse(fs.readFileSync(service.file, 'utf8'), service.file);
      return [...new Set(pipeline?.steps.flatMap((step) => step.secrets) ?? [])];
    } catch {
      return [];
    }
  }
}

function keyOf(service: Service, name: string): string {
  return `${service.home.folder}/${service.name}/${name}`;
}

function checkName(name: string): string | undefined {
  return /^[A-Za-z_]\w*$/.test(name) ? undefined : 'Letters, digits and underscores, as in an environment variable.';
}
