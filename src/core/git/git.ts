import { execFile } from 'node:child_process';
import { devNull } from 'node:os';
import { fail, ok, type Result } from '../model/result';

export interface GitCall {
  readonly folder: string;
  /** On top of the user's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** How stdout is read: `latin1` keeps every byte as one letter. UTF-8 by default. */
  readonly encoding?: 'utf8' | 'latin1';
}

const mostSaid = 600;

/** Deliver's own calls run no hook, ask nothing and take no lock that the user could miss. */
const settings = ['-c', `core.hooksPath=${devNull}`, '-c', 'core.quotePath=false', '-c', 'gc.auto=0', '-c', 'maintenance.auto=false'];
const quiet = { LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' };

/**
 * Calls git and answers its stdout. A failure carries git's own first line of complaint. Not through
 * a library: those refuse the variables that keep a snapshot out of the user's index and objects.
 */
export async function git(args: readonly string[], { folder, env, input, encoding = 'utf8' }: GitCall): Promise<Result<string>> {
  return new Promise((resolve) => {
    const child = execFile(
      'git',
      [...settings, ...args],
      { cwd: folder, encoding, env: { ...inherited(), ...quiet, ...env }, maxBuffer: 1 << 30, windowsHide: true },
      (error, stdout, stderr) => {
        if (!error) resolve(ok(stdout));
        else if ((error as NodeJS.ErrnoException).code === 'ENOENT') resolve(notFound(folder));
        else resolve(fail('machinery', `git ${args[0]} failed: ${complaint(stderr) || error.message}`));
      },
    );
    child.stdin?.on('error', () => {}); // git ended before it had read everything: its exit code tells
    child.stdin?.end(input ?? '');
  });
}

/** The same for commands of the plumbing that a failure of needs no explanation. */
export async function gitOrUndefined(args: readonly string[], call: GitCall): Promise<string | undefined> {
  const result = await git(args, call);
  return result.ok ? result.value : undefined;
}

/** A git hook or an editor may have left variables that point elsewhere. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^GIT_(?!SSH|ASKPASS|CONFIG|TRACE|EXEC_PATH|LFS_)/.test(name)));
}

function notFound(folder: string): Result<never> {
  return fail('machinery', `git could not be started in ${folder}`, { hint: 'Deliver needs git 2.30 or newer on the PATH' });
}

function complaint(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('warning:') && !line.startsWith('hint:'));
  // An error leads to a fatal one, which names the file, unless it is as general as these.
  const telling = lines.find((line) => /^fatal:(?! (adding|updating) files failed)/.test(line));
  const own = telling ?? lines.find((line) => /^(fatal|error):/.test(line)) ?? lines[0] ?? '';
  const isGeneral = /^(?:error: failed to push some refs|fatal: Could not read from remote repository)/.test(own);
  return ((isGeneral && saidThere(lines)) || own).replace(/^(fatal|error): /, '');
}

/** Why the other side turned something down, in its own words: of a push git only says that it failed. */
function saidThere(lines: readonly string[]): string {
  const refusals = lines.flatMap((line) => /^ ! \[(?:remote )?(?:rejected|failure)\].* \((.+)\)$/.exec(line)?.[1] ?? []);
  const words = lines
    .filter((line) => !/^(?: !|To |fatal:|error:|Please make sure you have|and the repository exists)/.test(line))
    .map((line) =>
      line
        .replace(/^remote: ?/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => /\w/.test(line) && !/\d%/.test(line));
  return [...new Set([...refusals, ...words])].join('; ').slice(0, mostSaid);
}
