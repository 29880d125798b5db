import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fail, messageOf, type Result } from '../../model/result';
import type { AnswerLine, Commands } from './control';

/** What the supervisor does for each command. `line` goes to the asker's log; the signal says that it has gone. */
export type Handlers = {
  readonly [C in keyof Commands]: (
    question: Commands[C]['ask'],
    line: (text: string) => void,
    signal: AbortSignal,
  ) => Promise<Result<Commands[C]['answer']>>;
};

export interface ControlServer {
  readonly port: number;
  readonly token: string;
  close(): void;
}

/** Answers commands on a port of this machine, to those who know the token. */
export async function listenForCommands(handlers: Handlers): Promise<ControlServer> {
  const token = randomBytes(24).toString('base64url');
  const expected = Buffer.from(`Bearer ${token}`);
  const server = http.createServer((request, response) => {
    const given = Buffer.from(request.headers.authorization ?? '');
    const name = request.url?.slice(1) ?? '';
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) response.writeHead(403).end();
    else if (!Object.hasOwn(handlers, name)) response.writeHead(404).end();
    else void answer(handlers[name as keyof Commands] as Handler, request, response);
  });
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, token, close: () => server.close() };
}

type Handler = (question: unknown, line: (text: string) => void, signal: AbortSignal) => Promise<Result<unknown>>;

async function answer(handle: Handler, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const send = (line: AnswerLine<unknown>): boolean => response.write(`${JSON.stringify(line)}\n`);
  response.writeHead(200, { 'content-type': 'application/x-ndjson', connection: 'close' });
  // The asker waits for lines that may be far apart.
  response.flushHeaders();
  let result: Result<unknown>;
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    result = await handle(JSON.parse(Buffer.concat(chunks).toString('utf8')), (line) => send({ line }), gone.signal);
  } catch (error) {
    console.error(error);
    result = fail('machinery', `the supervisor failed: ${messageOf(error)}`);
  }
  send({ result });
  response.end();
}
