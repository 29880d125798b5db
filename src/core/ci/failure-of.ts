import type { Failure } from '../model/result';
import type { CiFailure } from './ci-client';

/** Converts a failed request to a CI service into a failure of a command. */
export function failureOf({ message, hint, reason }: CiFailure): Failure {
  const help = hint ?? (reason === 'token' ? 'set GITHUB_TOKEN, GITLAB_TOKEN or DELIVER_TOKEN_ and the host' : undefined);
  return { kind: 'machinery', message, hint: help };
}
