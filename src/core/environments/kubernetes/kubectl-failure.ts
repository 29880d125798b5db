import type { Failure } from '../../model/result';
import { lastLine, type ProgramEnd } from '../../process/program';

/** Why a call of kubectl came to nothing, as far as something can be done about it. */
export type Trouble = 'missing-program' | 'away' | 'signed-out' | 'forbidden' | 'not-found' | 'conflict' | 'cancelled' | 'other';

export type Answer<T> = { readonly ok: true; readonly value: T } | Unanswered;

export interface Unanswered {
  readonly ok: false;
  readonly trouble: Trouble;
  readonly failure: Failure;
}

const away =
  /Unable to connect to the server(?!: (getting credentials|tls: |x509: ))|The connection to the server \S+ was refused|connection refused|no such host|i\/o timeout|TLS handshake timeout|context deadline exceeded|Client\.Timeout|net\/http: request canceled|unexpected EOF|: EOF$|connection reset by peer|connection lost|ServiceUnavailable|the server is currently unable to handle the request|\(Timeout\)|timed out waiting for the request|TooManyRequests|etcdserver: |InternalError\): an error on the server/m;
const signedOut =
  /asked for the client to provide credentials|You must be logged in to the server|\(Unauthorized\)|getting credentials|Unauthorized$/m;
const forbidden = /\(Forbidden\)|is forbidden|^error: .*forbidden/m;
const notFound = /\(NotFound\)/;
const conflict = /Apply failed with \d+ conflicts?|\(Conflict\)/;

/** What a call that failed means, in a sentence with what to do. */
export function troubleOf(end: ProgramEnd, context: string): Unanswered {
  const said = saidBy(end);
  const told = (trouble: Trouble, kind: Failure['kind'], message: string, hint?: string): Unanswered => ({
    ok: false,
    trouble,
    failure: { kind, message, ...(hint !== undefined && { hint }) },
  });
  if (end.ended === 'missing')
    return told(
      'missing-program',
      'usage',
      'kubectl was not found',
      'install it (https://kubernetes.io/docs/tasks/tools) and see that it is in PATH',
    );
  if (end.ended === 'cancelled') return told('cancelled', 'cancelled', 'cancelled');
  if (end.ended === 'timeout')
    return told('away', 'machinery', `the cluster of ${context} did not answer in time`, `try: kubectl --context=${context} version`);
  // A context without credentials: kubectl asks its terminal, and there is none.
  if (signedOut.test(end.stderr) || /^Please enter (Username|Password)/m.test(end.stdout))
    return told(
      'signed-out',
      'usage',
      `the cluster of ${context} does not know you: ${said}`,
      `sign in, and see that this works: kubectl --context=${context} get pods`,
    );
  if (away.test(end.stderr))
    return told('away', 'machinery', `the cluster of ${context} is away: ${said}`, `try: kubectl --context=${context} version`);
  if (forbidden.test(end.stderr)) return told('forbidden', 'usage', said, 'ask for this permission in the cluster');
  if (conflict.test(end.stderr)) return told('conflict', 'delivery', conflictsOf(end.stderr));
  return told(notFound.test(end.stderr) ? 'not-found' : 'other', 'delivery', said);
}

/** The sentence of what kubectl printed: the first error, which later lines only explain. */
function saidBy({ stderr, stdout, exitCode }: ProgramEnd): string {
  const line = stderr.split('\n').findLast((one) => /^(error|Error from server)\b|^Unable to connect|^The connection to/.test(one));
  const text = line ?? lastLine(stderr) ?? lastLine(stdout) ?? `kubectl ended with ${exitCode ?? 'a signal'}`;
  return text
    .replace(/^(error|Error from server( \(\w+\))?): /, '')
    .replace(/^(error )?when (applying|creating) "[^"]*": /, '')
    .trim();
}

/** All that is in conflict, which kubectl tells on several lines, without its advice. */
function conflictsOf(stderr: string): string {
  const [told = ''] = stderr.split('\nPlease review');
  return told
    .slice(Math.max(0, told.indexOf('Apply failed')))
    .trim()
    .replace(/\s*\n\s*/g, ' ');
}
