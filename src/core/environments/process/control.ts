import * as fs from 'node:fs';
import * as http from 'node:http';
import { createInterface } from 'node:readline';
import { fail, messageOf, type Result } from '../../model/result';
import type { ProcessDefinition } from './descriptor';
import type { ProcessIdentity } from '../../model/events';
import { isAlive } from '../../process/process-identity';
import type { DeployedRelease, DeployRequest, RolledBackRelease, RollbackWish } from '../environment';
import type { EnvironmentFiles } from './state-file';

/** What a supervisor is asked, by name, and what it answers. */
export interface Commands {
  deploy: { ask: { request: DeployRequest; definition: ProcessDefinition }; answer: DeployedRelease };
  settle: { ask: { service: string; release: string }; answer: void };
  rollback: { ask: { service: string } & RollbackWish; answer: RolledBackRelease };
  stop: { ask: Record<string, never>; answer: void };
}

/** The content of the control file: how the user's own programs reach the supervisor. */
export interface Control {
  readonly port: number;
  readonly token: string;
  readonly supervisor: ProcessIdentity;
}

/** One line of an answer: something for the step's log, or the result, which is the last. */
export type AnswerLine<T> = { readonly line: string } | { readonly result: Result<T> };

/** Where the living supervisor of an environment listens; `undefined` where there is none. */
export function findControl(files: EnvironmentFiles): Control | undefined {
  try {
    const control = JSON.parse(fs.readFileSync(files.control, 'utf8')) as Control;
    return isAlive(control.supervisor) ? control : undefined;
  } catch {
    return undefined;
  }
}

/** Asks the supervisor. An abort closes the connection, which ends what it was asked for. */
export async function ask<C extends keyof Commands>(
  control: Control,
  command: C,
  question: Commands[C]['ask'],
  line: (text: string) => void = () => {},
  signal?: AbortSignal,
): Promise<Result<Commands[C]['answer']>> {
  const body = JSON.stringify(question);
  return new Promise((resolve) => {
    const broken = (error: unknown): void =>
      resolve(
        signal?.aborted
          ? fail('cancelled', 'cancelled')
          : fail('machinery', `the environment's supervisor did not answer: ${messageOf(error)}`),
      );
    const options = {
      host: '127.0.0.1',
      port: control.port,
      path: `/${command}`,
      method: 'POST',
      agent: false as const,
      headers: { authorization: `Bearer ${control.token}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      ...(signal && { signal }),
    };
    const request = http.request(options, (response) => {
      response.on('error', broken);
      const lines = createInterface({ input: response });
      lines.on('line', (text) => {
        const answer = JSON.parse(text) as AnswerLine<Commands[C]['answer']>;
        if ('line' in answer) line(answer.line);
        else resolve(answer.result);
      });
      // The interface tells its input's errors once more.
      lines.on('error', broken);
      lines.once('close', () => broken('it ended in the middle of its answer'));
    });
    request.on('error', broken);
    request.end(body);
  });
}
