import * as os from 'node:os';
import { execGit } from './git';

const timeoutMs = 10_000;

/**
 * Returns the user name and the password that git's credential helpers have for `https://host[:port]`, or undefined. Nothing prompts.
 * Runs in the home folder: a helper that a repository configures is not asked.
 */
export async function storedCredential(origin: string): Promise<{ readonly login: string; readonly password: string } | undefined> {
  const { protocol, host } = new URL(origin);
  if (protocol !== 'https:') return undefined;
  const answer = await execGit(['credential', 'fill'], {
    folder: os.homedir(),
    // An empty GIT_ASKPASS keeps git from all other programs that prompt. GCM is the Git Credential Manager.
    env: { GIT_ASKPASS: '', GCM_INTERACTIVE: 'never' },
    input: `protocol=https\nhost=${host}\n\n`,
    timeoutMs,
  });
  const fields = new Map(
    answer.ok ? answer.value.split('\n').map((line): [string, string] => [line.replace(/=.*$/s, ''), line.replace(/^[^=]*=/, '')]) : [],
  );
  const password = fields.get('password');
  return password === undefined ? undefined : { login: fields.get('username') ?? '', password };
}
