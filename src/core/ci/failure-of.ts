import type { Failure } from '../model/result';
import type { CiFailure } from './ci-client';

/** What a CI service did not do, for whoever asked for it. */
export function failureOf({ message, hint, reason }: CiFailure): Failure {
  const help = hint ?? (reason === 'token' ? 'deliver signs in with GITHUB_TOKEN, GITLAB_TOKEN or DELIVER_TOKEN_ and the host' : undefined);
  return { kind: 'machinery', message, ...(help !== undefined && { hint: help }) };
}
