import * as vscode from 'vscode';
import { messageOf } from '../../core/model/result';
import type { TokenKind } from '../../core/model/tokens';

const permissions: Readonly<Record<TokenKind, string>> = {
  http: 'The token must be able to read the address in delivery.yaml.',
  sentry: 'Required scopes: event:read and project:read, and event:write to resolve.',
  github: 'Required scope: repo. For a fine-grained token: read and write Actions, Deployments and Issues.',
  gitlab: 'Required scope: api, or read_api for read-only access.',
  jenkins: 'Enter USER:TOKEN. TOKEN is an API token of a user with permission to build and read the job.',
};

/** Access tokens, each for one host: GitHub's from the editor's sign-in, others from its secret storage. */
export class HostTokens {
  constructor(private readonly secrets: vscode.SecretStorage) {}

  async get(kind: TokenKind, host: string): Promise<string | undefined> {
    const provider = providerOf(kind, host);
    return (provider && (await signedIn(provider))) ?? this.secrets.get(keyOf(host));
  }

  /** Calls `changed` when a token may have changed in any window. */
  onDidChange(changed: () => void): vscode.Disposable {
    return vscode.Disposable.from(
      this.secrets.onDidChange(({ key }) => void (key.startsWith(keyOf('')) && changed())),
      vscode.authentication.onDidChangeSessions(({ provider }) => void (provider.id.startsWith('github') && changed())),
    );
  }

  /** Prompts for a token and returns true if it was entered. An empty token deletes the stored one. */
  async prompt(kind: TokenKind, host: string): Promise<boolean> {
    const provider = providerOf(kind, host);
    if (provider !== undefined) {
      try {
        return (await vscode.authentication.getSession(provider, githubScopes, { createIfNone: true })) !== undefined;
      } catch (error) {
        if (/consent|cancel/i.test(messageOf(error))) return false;
        // An editor without GitHub sign-in: a token works as well.
      }
    }
    const token = await vscode.window.showInputBox({
      title: `Token for ${new URL(host).host}`,
      prompt: `Stored in the editor’s secret storage and sent only to ${host}. ${permissions[kind]}`,
      password: true,
      ignoreFocusOut: true,
    });
    if (token === undefined) return false;
    if (token === '') await this.secrets.delete(keyOf(host));
    else await this.secrets.store(keyOf(host), token);
    return true;
  }
}

async function signedIn(provider: string): Promise<string | undefined> {
  try {
    return (await vscode.authentication.getSession(provider, githubScopes, { silent: true }))?.accessToken;
  } catch {
    return undefined; // an editor without GitHub sign-in
  }
}

/** `workflow` is needed to push a change of a workflow if git has no credentials. */
const githubScopes = ['repo', 'workflow'];

function providerOf(kind: TokenKind, host: string): string | undefined {
  if (kind !== 'github') return undefined;
  if (host === 'https://api.github.com') return 'github';
  const enterprise = vscode.workspace.getConfiguration('github-enterprise').get<string>('uri');
  try {
    return enterprise !== undefined && new URL(enterprise).origin === host ? 'github-enterprise' : undefined;
  } catch {
    return undefined;
  }
}

function keyOf(host: string): string {
  return `feedback/${host}`;
}
