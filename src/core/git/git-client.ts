import debug from 'debug';
import { GitConstructError, GitError, GitPluginError, simpleGit, type SimpleGit, type SimpleGitOptions } from 'simple-git';

// With DEBUG=*, simple-git would print the environment of each call, and so tokens.
debug.log = () => {};

/** How long a program that git has started may keep the output open after git has ended. */
const outputGraceMs = 5_000;

/**
 * simple-git refuses settings and variables that can start a program or read a file. It cannot tell the user's own from an
 * attacker's: a user may set any of them (`GIT_SSH_COMMAND`, `GIT_ASKPASS`, `GIT_CONFIG_COUNT`, …), and git would read
 * them in a terminal too. Deliver adds `core.hooksPath` and the settings of a remote, and takes no options from outside.
 */
const unsafe: SimpleGitOptions['unsafe'] = {
  allowUnsafeAlias: true,
  allowUnsafeAskPass: true,
  allowUnsafeCommandBinaries: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeDiffExternal: true,
  allowUnsafeDiffTextConv: true,
  allowUnsafeEditor: true,
  allowUnsafeExec: true,
  allowUnsafeFilter: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeGitProxy: true,
  allowUnsafeGpgProgram: true,
  allowUnsafeHooksPath: true,
  allowUnsafeInclude: true,
  allowUnsafeMergeDriver: true,
  allowUnsafePack: true,
  allowUnsafePager: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
  allowUnsafeSubmodule: true,
  allowUnsafeTemplateDir: true,
  allowUnsafeUrlRewrite: true,
  // Otherwise a test variable of git makes the user's own helpers fail where they abbreviate an option.
  allowAbbreviatedOptions: true,
};

export interface ClientOptions {
  readonly folder: string;
  /** The whole environment of git. */
  readonly env: NodeJS.ProcessEnv;
  readonly config: readonly string[];
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

export function createClient({ folder, env, config, signal, timeoutMs }: ClientOptions): SimpleGit {
  const client = simpleGit({
    baseDir: folder,
    config: [...config],
    allowEnvironment: Object.keys(env),
    unsafe,
    abort: signal,
    timeout: { block: timeoutMs },
    completion: { onClose: true, onExit: outputGraceMs },
    // By default a command that prints nothing cannot fail, and the output is mixed into the message.
    errors: (error, { exitCode, stdErr }) => {
      if (error instanceof GitPluginError) return error;
      return exitCode === 0 ? undefined : Buffer.concat(stdErr);
    },
  });
  return client.env(env);
}

export interface GitFailure {
  readonly command: string;
  readonly reason: 'failed' | 'aborted' | 'timeout' | 'not-started';
  readonly stderr: string;
}

/** Returns why a command failed. Rethrows an exception that is no error of git. */
export function gitFailure(error: unknown): GitFailure {
  if (!(error instanceof GitError)) throw error;
  return { command: commandOf(error), reason: reasonOf(error), stderr: error.message };
}

function reasonOf(error: GitError): GitFailure['reason'] {
  if (error instanceof GitPluginError && error.plugin === 'abort') return 'aborted';
  if (error instanceof GitPluginError && error.plugin === 'timeout') return 'timeout';
  // Node's own message takes the place of stderr.
  return error instanceof GitConstructError || /^Error: spawn \S+ ENOENT/.test(error.message) ? 'not-started' : 'failed';
}

/** Returns `commit` for `git -c core.abbrev=40 commit`. */
function commandOf({ task }: GitError): string {
  const words = task?.commands.map(String) ?? [];
  return words.find((word, index) => !word.startsWith('-') && words[index - 1] !== '-c') ?? '';
}
