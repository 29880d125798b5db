import { randomUUID } from 'node:crypto';
import * as path from 'node:path';
import type { Failure } from '../../model/result';
import { lastLine, type ProgramEnd, runProgram } from '../../process/program';
import { foreignVariable } from '../../process/step-environment';
import type { WriteLine } from '../environment';

export interface KubectlTarget {
  /** Always passed explicitly: a delivery must not depend on the current context. */
  readonly context: string;
  readonly namespace?: string;
  /** The working folder. No file in it is read. */
  readonly folder: string;
  /** The marker of its processes. */
  readonly mark: string;
}

export interface KubectlOptions {
  readonly signal: AbortSignal;
  /** The text for its standard input. */
  readonly input?: string;
  readonly timeoutMs?: number;
  /** The limit for a single request. */
  readonly requestSeconds?: number | undefined;
  readonly stdout?: WriteLine;
  readonly stderr?: WriteLine;
  /** It runs until it is ended, so its requests have no time limit. */
  readonly streaming?: boolean;
}

/** The limit for other calls. Credential plugins may open a browser. */
const callTimeoutMs = 60_000;

/**
 * The user's own kubectl with its contexts and credential plugins. It inherits the whole environment, which those plugins may need.
 * Manifests are rendered without it (`manifests.ts`).
 */
export class Kubectl {
  constructor(readonly place: KubectlTarget) {}

  /** Returns the same kubectl for another namespace. */
  in(namespace: string): Kubectl {
    return namespace === this.place.namespace ? this : new Kubectl({ ...this.place, namespace });
  }

  /** Returns a command line for messages. */
  shown(args: string): string {
    return shownCommand(args, this.place);
  }

  /** Returns the output of a call. */
  async text(args: readonly string[], options: KubectlOptions): Promise<KubectlResult<string>> {
    const end = await this.run(args, options);
    return end.exitCode === 0 ? { ok: true, value: end.stdout } : this.failure(end);
  }

  /** Returns the parsed JSON output of a call. */
  async json<T>(args: readonly string[], options: KubectlOptions): Promise<KubectlResult<T>> {
    const answer = await this.text([...args, '--output=json'], options);
    if (!answer.ok) return answer;
    try {
      return { ok: true, value: JSON.parse(answer.value) as T };
    } catch {
      const message = `kubectl returned no JSON: ${lastLine(answer.value) ?? 'nothing'}`;
      return { ok: false, reason: 'other', failure: { kind: 'machinery', message } };
    }
  }

  failure(end: ProgramEnd): KubectlFailure {
    return classifyFailure(end, this.place);
  }

  /** `local` calls do not contact the cluster and do not require the context to exist. */
  async run(args: readonly string[], options: KubectlOptions, reach: 'cluster' | 'local' = 'cluster'): Promise<ProgramEnd> {
    const { streaming, requestSeconds = 15, timeoutMs = streaming ? undefined : callTimeoutMs, ...rest } = options;
    const { context, namespace = 'default', folder, mark } = this.place;
    const limit = streaming ? [] : [`--request-timeout=${requestSeconds}s`];
    return runProgram({
      program: 'kubectl',
      args: reach === 'local' ? args : [...args, `--context=${context}`, `--namespace=${namespace}`, ...limit],
      // Each call is ended separately, even if another process makes calls for the same run.
      mark: { run: mark, step: `kubectl-${randomUUID()}` },
      folder,
      env: kubectlEnvironment(process.env),
      ...rest,
      timeoutMs,
    });
  }
}

/** Returns the user's environment without variables of an editor or a package manager, and with absolute paths. */
export function kubectlEnvironment(base: NodeJS.ProcessEnv): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) if (value !== undefined && !foreignVariable.test(name)) env[name] = value;
  const files = env['KUBECONFIG']?.split(path.delimiter).map((file) => (file === '' ? file : path.resolve(file)));
  return { ...env, ...(files && { KUBECONFIG: files.join(path.delimiter) }) };
}

/** The reason for a failed call, if there is a remedy for it. */
export type FailureReason =
  'missing-program' | 'unreachable' | 'signed-out' | 'forbidden' | 'not-found' | 'conflict' | 'cancelled' | 'other';

export type KubectlResult<T> = { readonly ok: true; readonly value: T } | KubectlFailure;

export interface KubectlFailure {
  readonly ok: false;
  readonly reason: FailureReason;
  readonly failure: Failure;
}

const unreachable =
  /Unable to connect to the server(?!: (getting credentials|tls: |x509: ))|The connection to the server \S+ was refused|connection refused|no such host|i\/o timeout|TLS handshake timeout|context deadline exceeded|Client\.Timeout|net\/http: request canceled|unexpected EOF|: EOF$|connection reset by peer|connection lost|ServiceUnavailable|the server is currently unable to handle the request|\(Timeout\)|timed out waiting for the request|TooManyRequests|etcdserver: |InternalError\): an error on the server/m;
const signedOut =
  /asked for the client to provide credentials|You must be logged in to the server|\(Unauthorized\)|getting credentials|Unauthorized$/m;
const forbidden = /\(Forbidden\)|is forbidden|^error: .*forbidden/m;
const notFound = /\(NotFound\)/;
const conflict = /Apply failed with \d+ conflicts?|\(Conflict\)/;

type Place = Pick<KubectlTarget, 'context' | 'namespace'>;

function shownCommand(args: string, { context, namespace }: Place): string {
  return `kubectl --context=${context}${namespace === undefined ? '' : ` --namespace=${namespace}`} ${args}`;
}

/** Explains a failed call and how to fix it. */
export function classifyFailure(end: ProgramEnd, place: Place): KubectlFailure {
  const { context } = place;
  const detail = errorMessage(end);
  const failure = (reason: FailureReason, kind: Failure['kind'], message: string, hint?: string): KubectlFailure => ({
    ok: false,
    reason,
    failure: { kind, message, hint },
  });
  if (end.ended === 'missing')
    return failure(
      'missing-program',
      'usage',
      'kubectl was not found',
      'install it (https://kubernetes.io/docs/tasks/tools) and add it to PATH',
    );
  if (end.ended === 'cancelled') return failure('cancelled', 'cancelled', 'cancelled');
  if (end.ended === 'timeout')
    return failure(
      'unreachable',
      'machinery',
      `the cluster of ${context} did not answer in time`,
      `try: ${shownCommand('version', { context })}`,
    );
  // Without credentials kubectl prompts on a terminal, and there is none.
  if (signedOut.test(end.stderr) || /^Please enter (Username|Password)/m.test(end.stdout))
    return failure(
      'signed-out',
      'usage',
      `the cluster of ${context} rejected the credentials: ${detail}`,
      `sign in, then check it with: ${shownCommand('get pods', place)}`,
    );
  if (unreachable.test(end.stderr))
    return failure(
      'unreachable',
      'machinery',
      `the cluster of ${context} is unreachable: ${detail}`,
      `try: ${shownCommand('version', { context })}`,
    );
  if (forbidden.test(end.stderr)) return failure('forbidden', 'usage', detail, 'ask for this permission in the cluster');
  if (conflict.test(end.stderr)) return failure('conflict', 'delivery', conflictsOf(end.stderr));
  return failure(notFound.test(end.stderr) ? 'not-found' : 'other', 'delivery', detail);
}

const errorStart = /^(error\b|Error from server\b|Unable to connect|The connection to|The [\w.]+ "[^"]*" is invalid)/;
const maxErrorLength = 400;

/** Returns the errors that kubectl printed, each with its further lines. */
export function errorsOf(stderr: string): string[] {
  const errors: string[] = [];
  for (const line of stderr.split('\n')) {
    if (errorStart.test(line)) errors.push(line);
    else if (errors.length > 0 && line.trim() !== '') errors.push(`${errors.pop() ?? ''} ${line.trim()}`);
  }
  return errors.map((error) =>
    error
      .replace(/^(error|Error from server( \(\w+\))?): /, '')
      .replace(/^(error )?when (applying|creating|replacing|deleting)( patch)?(:| "[^"]*":) /, '')
      // The refused value is printed as Go code of up to several kilobytes.
      .replace(/: Invalid value: .*?: (field is immutable|spec is immutable)/g, ': $1')
      .trim(),
  );
}

/** Returns the last error that kubectl printed. */
function errorMessage({ stderr, stdout, exitCode }: ProgramEnd): string {
  const text = errorsOf(stderr).at(-1) ?? lastLine(stderr) ?? lastLine(stdout) ?? `kubectl ended with ${exitCode ?? 'a signal'}`;
  return text.length > maxErrorLength ? `${text.slice(0, maxErrorLength)}…` : text;
}

/** Returns all conflicts, which kubectl prints on several lines, without its advice. */
function conflictsOf(stderr: string): string {
  const [failure = ''] = stderr.split('\nPlease review');
  return failure
    .slice(Math.max(0, failure.indexOf('Apply failed')))
    .trim()
    .replace(/\s*\n\s*/g, ' ');
}
