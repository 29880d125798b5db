import type { Failure } from '../model/result';
import { wordList } from '../support/format';
import type { CiFailure } from './ci-client';
import { ciServices } from './registry';

/** Returns the failure of a request to a CI service as a failure of the command. */
export function failureOf({ message, hint, reason }: CiFailure): Failure {
  return { kind: 'machinery', message, hint: hint ?? (reason === 'token' ? tokenHint() : undefined) };
}

function tokenHint(): string {
  const variables = ciServices.flatMap(({ tokens }) => Object.values(tokens.variables ?? {}));
  return `set ${wordList([...variables, 'DELIVER_TOKEN_ and the host'], 'or')}`;
}
