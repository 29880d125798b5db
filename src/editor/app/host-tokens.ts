import * as vscode from 'vscode';
import { maySendToken } from '../../core/http/http-address';
import { messageOf } from '../../core/model/result';
import type { EditorSignIn, TokenServer } from '../../core/model/tokens';
import { tokenServers } from '../../core/pipeline/environment-tokens';

/** Access tokens, each for one host: from the editor's own sign-in if it has one, else from its secret storage. */
export class HostTokens {
  constructor(private readonly secrets: vscode.SecretStorage) {}

  async get(kind: string, host: string): Promise<string | undefined> {
    const signIn = findSignIn(kind, host);
    return (signIn && (await signedIn(signIn))) ?? this.secrets.get(keyOf(host));
  }

  /** Calls `changed` when a token may have changed in any window. */
  onDidChange(changed: () => void): vscode.Disposable {
    const providers = tokenServers.flatMap(({ signIns = [] }) => signIns.map(({ provider }) => provider));
    return vscode.Disposable.from(
      this.secrets.onDidChange(({ key }) => void (key.startsWith(keyOf('')) && changed())),
      vscode.authentication.onDidChangeSessions(({ provider }) => void (providers.includes(provider.id) && changed())),
    );
  }

  /** Prompts for a token and returns true if it was entered. An empty token deletes the stored one. */
  async prompt(kind: string, host: string): Promise<boolean> {
    const signIn = findSignIn(kind, host);
    if (signIn) {
      try {
        return (await vscode.authentication.getSession(signIn.provider, signIn.scopes, { createIfNone: true })) !== undefined;
      } catch (error) {
        if (/consent|cancel/i.test(messageOf(error))) return false;
        // An editor without this sign-in: a token works as well.
      }
    }
    if (!maySendToken(host)) {
      void vscode.window.showErrorMessage(`A token is sent only over https, but the address is ${host}.`);
      return false;
    }
    const token = await vscode.window.showInputBox({
      title: `Token for ${new URL(host).host}`,
      prompt: `Stored in the editor’s secret storage and sent only to ${host}. ${findServer(kind)?.permissions ?? ''}`,
      password: true,
      ignoreFocusOut: true,
    });
    if (token === undefined) return false;
    if (token === '') await this.secrets.delete(keyOf(host));
    else await this.secrets.store(keyOf(host), token);
    return true;
  }
}

async function signedIn({ provider, scopes }: EditorSignIn): Promise<string | undefined> {
  try {
    return (await vscode.authentication.getSession(provider, scopes, { silent: true }))?.accessToken;
  } catch {
    return undefined; // an editor without this sign-in
  }
}

function findServer(kind: string): TokenServer | undefined {
  return tokenServers.find((server) => server.kind === kind);
}

function findSignIn(kind: string, host: string): EditorSignIn | undefined {
  return findServer(kind)?.signIns?.find((signIn) => hostOf(signIn) === host);
}

function hostOf({ host }: EditorSignIn): string | undefined {
  if (typeof host === 'string') return host;
  const address = vscode.workspace.getConfiguration().get<string>(host.setting);
  return address !== undefined && URL.canParse(address) ? new URL(address).origin : undefined;
}

function keyOf(host: string): string {
  return `feedback/${host}`;
}
