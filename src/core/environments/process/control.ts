import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { ProcessIdentity } from '../../model/events';
import type { ProcessDefinition } from './descriptor';
import { fail, messageOf, type Result } from '../../model/result';
import { isAlive } from '../../process/process-identity';
import { isIdentity, isNumber, isText, readCached, shape } from '../../support/record';
import type { DeployedRelease, DeployRequest, RollbackOptions, RolledBackRelease } from '../environment';
import type { EnvironmentFiles } from './state-file';

/** The commands of a supervisor, with their parameters and results. */
export interface Commands {
  deploy: { params: { request: DeployRequest; definition: ProcessDefinition }; result: DeployedRelease };
  settle: { params: { service: string; release: string }; result: void };
  rollback: { params: { service: string } & RollbackOptions; result: RolledBackRelease };
  start: { params: { services: readonly string[] }; result: void };
  /** Without `services`: all. The supervisor ends with its last service. */
  stop: { params: { services?: readonly string[] }; result: void };
  remove: { params: { services: readonly string[] }; result: void };
}

/** The content of the control file: how programs of the same user reach the supervisor. */
export interface Control {
  readonly port: number;
  readonly token: string;
  readonly supervisor: ProcessIdentity;
}

/** A line of a response: a line for the step's log, or the result, which comes last. */
export type ResponseLine<T> = { readonly line: string } | { readonly result: Result<T> };

const isControl = shape({ port: isNumber, token: isText, supervisor: isIdentity });

/** Returns where the running supervisor of an environment listens, or undefined if none runs. */
export function findControl(files: EnvironmentFiles): Control | undefined {
  const control = readCached<Control>(files.control, isControl);
  return control && isAlive(control.supervisor) ? control : undefined;
}

/** Sends a command to the supervisor. An abort closes the connection, which cancels the command. */
export async function callSupervisor<C extends keyof Commands>(
  control: Control,
  command: C,
  params: Commands[C]['params'],
  line: (text: string) => void = () => {},
  signal?: AbortSignal,
): Promise<Result<Commands[C]['result']>> {
  const body = JSON.stringify(params);
  return new Promise((resolve) => {
    const reject = (error: unknown): void =>
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
      signal,
    };
    const request = http.request(options, (response) => {
      response.on('error', reject);
      const lines = createInterface({ input: response });
      lines.on('line', (text) => {
        const answer = parseLine<Commands[C]['result']>(text);
        if (!answer) reject('its answer is incomplete');
        else if ('line' in answer) line(answer.line);
        else resolve(answer.result);
      });
      // readline emits the errors of its input again.
      lines.on('error', reject);
      lines.once('close', () => reject('the connection closed before the result'));
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Returns undefined for the torn line of a supervisor that was killed. */
function parseLine<T>(text: string): ResponseLine<T> | undefined {
  try {
    return JSON.parse(text) as ResponseLine<T>;
  } catch {
    return undefined;
  }
}

/** The implementation of each command. `line` writes to the caller's log; the signal aborts when the caller disconnects. */
export type Handlers = {
  readonly [C in keyof Commands]: (
    params: Commands[C]['params'],
    line: (text: string) => void,
    signal: AbortSignal,
  ) => Promise<Result<Commands[C]['result']>>;
};

export interface ControlServer {
  readonly port: number;
  readonly token: string;
  close(): void;
}

/** Serves commands on a local port to callers that send the token. */
export async function listenForCommands(handlers: Handlers): Promise<ControlServer> {
  const token = randomBytes(24).toString('base64url');
  const expected = Buffer.from(`Bearer ${token}`);
  const server = http.createServer((request, response) => {
    const received = Buffer.from(request.headers.authorization ?? '');
    const name = request.url?.slice(1) ?? '';
    if (received.length !== expected.length || !timingSafeEqual(received, expected)) response.writeHead(403).end();
    else if (!Object.hasOwn(handlers, name)) response.writeHead(404).end();
    else void respond(handlers[name as keyof Commands] as Handler, request, response);
  });
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, token, close: () => server.close() };
}

type Handler = (params: unknown, line: (text: string) => void, signal: AbortSignal) => Promise<Result<unknown>>;

async function respond(handle: Handler, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  const send = (line: ResponseLine<unknown>): boolean => response.write(`${JSON.stringify(line)}\n`);
  response.writeHead(200, { 'content-type': 'application/x-ndjson', connection: 'close' });
  // The first line may come much later, and the caller waits for the headers.
  response.flushHeaders();
  let result: Result<unknown>;
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    result = await handle(JSON.parse(Buffer.concat(chunks).toString('utf8')), (line) => send({ line }), closed.signal);
  } catch (error) {
    console.error(error);
    result = fail('machinery', `the supervisor failed: ${messageOf(error)}`);
  }
  send({ result });
  response.end();
}
