import * as vscode from 'vscode';
import { messageOf } from '../../core/model/result';
import type { TokenKind } from '../../core/model/tokens';

/** What a token must be allowed to do. */
const scopes: Readonly<Record<TokenKind, string>> = {
  http: 'It needs to read the address that delivery.yaml names.',
  sentry: 'It needs the scopes event:read and project:read, and event:write to resolve.',
  github: 'It needs the scope repo; a fine-grained one: read and write Actions, Deployments and Issues.',
  gitlab: 'It needs the scope api, or read_api where nothing is to be run or changed there.',
  jenkins: 'It is user:token, with an API token of that user, who may build and read the job.',
};

/** Tokens for servers: GitHub's from the editor's own sign-in, others from its secret store, each for its host alone. */
export class HostTokens {
  constructor(private readonly secrets: vscode.SecretStorage) {}

  async get(kind: TokenKind, host: string): Promise<string | undefined> {
    const provider = providerOf(kind, host);
    return (provider && (await signedIn(provider))) ?? this.secrets.get(keyOf(host));
  }

  /** There may be another token, whichever window it was given in. */
  onDidChange(changed: () => void): vscode.Disposable {
    return vscode.Disposable.from(
      this.secrets.onDidChange(({ key }) => void (key.startsWith(keyOf('')) && changed())),
      vscode.authentication.onDidChangeSessions(({ provider }) => void (provider.id.startsWith('github') && changed())),
    );
  }

  /** Asks for one; an empty one is forgotten. Whether there is a new one. */
  async ask(kind: TokenKind, host: string): Promise<boolean> {
    const provider = providerOf(kind, host);
    if (provider !== undefined) {
      try {
        return (await vscode.authentication.getSession(provider, scopesOfGithub, { createIfNone: true })) !== undefined;
      } catch (error) {
        if (/consent|cancel/i.test(messageOf(error))) return false;
        // An editor without that sign-in: a token does as well.
      }
    }
    const token = await vscode.window.showInputBox({
      title: `Token for ${new URL(host).host}`,
      prompt: `It is kept in the secret store of the editor and sent to ${host} alone. ${scopes[kind]}`,
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
    return (await vscode.authentication.getSession(provider, scopesOfGithub, { silent: true }))?.accessToken;
  } catch {
    return undefined; // an editor without that sign-in
  }
}

/** The second one to push a change of a workflow, where git has no credentials of its own. */
const scopesOfGithub = ['repo', 'workflow'];

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
