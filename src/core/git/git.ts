import { execFile } from 'node:child_process';
import { devNull } from 'node:os';
import type { SimpleGit } from 'simple-git';
import { fail, ok, type Result } from '../model/result';

/** A call of git. All calls go through this file. */
export interface GitCall {
  readonly folder: string;
  /** Variables on top of the user's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ClientCall extends GitCall {
  /** Settings for this call alone, such as `core.autocrlf=false`. */
  readonly config?: readonly string[];
  /** Ends the command. Its failure is of the kind `cancelled`. */
  readonly signal?: AbortSignal;
  /** How long the command may print nothing before it is ended. */
  readonly timeoutMs?: number;
}

export interface ExecCall extends GitCall {
  readonly input?: string;
  /** `latin1` keeps every byte as one character. UTF-8 by default. */
  readonly encoding?: 'utf8' | 'latin1';
  /** Receives the warnings of a command that succeeds. */
  readonly onWarnings?: (stderr: string) => void;
  /** No limit by default. */
  readonly timeoutMs?: number;
  /** The exit code by which a search reports that it found nothing. */
  readonly nothingFound?: number;
}

const defaultTimeoutMs = 10 * 60_000;
const maxMessageLength = 600;

/**
 * Settings that no call takes from the user: they run programs, start housekeeping, change output that is parsed, or
 * change which files a command touches.
 */
const settings = [
  `core.hooksPath=${devNull}`,
  'core.fsmonitor=false',
  'core.quotePath=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'push.recurseSubmodules=no',
  'color.ui=false',
  'column.ui=never',
  'log.showSignature=false',
  'log.follow=false',
  'diff.noprefix=false',
  'diff.mnemonicPrefix=false',
  'diff.relative=false',
  'grep.lineNumber=false',
  'grep.column=false',
  'i18n.commitEncoding=UTF-8',
  'i18n.logOutputEncoding=UTF-8',
  'init.defaultRefFormat=files',
  'init.defaultObjectFormat=sha1',
];

/** Messages are parsed, so they are in English; git prompts for nothing and holds no lock that could block the user. */
const fixedEnvironment = { LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' };

/** Runs commands of git through simple-git, which is loaded with the first call. Returns the result of `commands`. */
export async function git<T>(call: ClientCall, commands: (client: SimpleGit) => PromiseLike<T>): Promise<Result<T>> {
  const { createClient, gitFailure } = await import('./git-client');
  const { folder, signal, timeoutMs = defaultTimeoutMs } = call;
  try {
    const config = [...settings, ...(call.config ?? [])];
    return ok(await commands(createClient({ folder, env: environment(call), config, signal, timeoutMs })));
  } catch (error) {
    const { command, reason, stderr } = gitFailure(error);
    if (reason === 'aborted') return fail('cancelled', `git ${command} was cancelled`);
    if (reason === 'timeout') return fail('machinery', `git ${command} printed nothing for ${timeoutMs / 1000} s and was ended`);
    if (reason === 'not-started') return notStarted(folder);
    return fail('machinery', `git ${command} failed: ${firstError(stderr) || 'it gave no reason'}`);
  }
}

/**
 * Runs one command of git without simple-git and returns its stdout. For calls that need exact bytes, many lines of input
 * or a private index, and for those that every delivery makes: loading simple-git takes longer than they do.
 */
export async function execGit(args: readonly string[], call: ExecCall): Promise<Result<string>> {
  const { folder, input = '', encoding = 'utf8', timeoutMs: timeout } = call;
  const options = settings.flatMap((setting) => ['-c', setting]);
  return new Promise((resolve) => {
    const child = execFile(
      'git',
      [...options, ...args],
      { cwd: folder, encoding, env: environment(call), maxBuffer: 1 << 30, windowsHide: true, timeout },
      (error, stdout, stderr) => {
        if (!error || (error.code !== undefined && error.code === call.nothingFound)) {
          call.onWarnings?.(stderr);
          resolve(ok(stdout));
        } else if ((error as NodeJS.ErrnoException).code === 'ENOENT') resolve(notStarted(folder));
        else resolve(fail('machinery', `git ${args[0]} failed: ${firstError(stderr) || error.message}`));
      },
    );
    child.stdin?.on('error', () => {}); // git may end before it has read everything; its exit code counts
    child.stdin?.end(input);
  });
}

/** A git hook or an editor may have left variables that point to another repository, index or object store. */
const foreignVariable = /^GIT_(?!SSH|ASKPASS|CONFIG_|TRACE|EXEC_PATH|LFS_)/;

function environment({ env }: GitCall): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !foreignVariable.test(name));
  return { ...Object.fromEntries(inherited), ...fixedEnvironment, ...env };
}

function notStarted(folder: string): Result<never> {
  return fail('machinery', `git could not be started in ${folder}`, { hint: 'Deliver needs git 2.30 or newer on the PATH' });
}

/** Returns the line of git's stderr that gives the reason, without `fatal:`. */
function firstError(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('warning:') && !line.startsWith('hint:'));
  // An error is followed by a fatal one that names the file, unless that one is as general as these.
  const specific = lines.find((line) => /^fatal:(?! (adding|updating) files failed)/.test(line));
  const line = specific ?? lines.find((each) => /^(fatal|error):/.test(each)) ?? lines[0] ?? '';
  const isGeneral = /^(?:error: failed to push some refs|fatal: Could not read from remote repository)/.test(line);
  return ((isGeneral && remoteMessage(lines)) || line).replace(/^(fatal|error): /, '');
}

/** Returns the words of the remote: about a refused push, git itself says only that it failed. */
function remoteMessage(lines: readonly string[]): string {
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
  return [...new Set([...refusals, ...words])].join('; ').slice(0, maxMessageLength);
}
