import * as http from 'node:http';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Address } from './health';

/** The limit for all headers of a request or a response. Cookies of single sign-on exceed the 16 kB of Node. */
export const maxHeaderSize = 64 * 1024;

/** The headers of one connection, which a proxy never forwards (RFC 9110, section 7.6.1). */
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade']);

/** Forwards a request and its response, as they arrive. `answered` receives the status, or the error of a release that does not answer. */
export function forward(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  to: Address,
  answered: (status: number, error?: Error) => void,
): void {
  const headers = [...endToEnd(request.rawHeaders), ...forwardedHeaders(request)];
  const onward = http.request({
    ...to,
    method: request.method,
    path: request.url,
    headers,
    maxHeaderSize,
    // A kept connection could end at the moment it is used again.
    agent: false,
  });
  onward.on('information', (info) => sendInformation(response, info));
  onward.on('response', (answer) => {
    answered(answer.statusCode ?? 0);
    sendAnswer(answer, response);
  });
  onward.on('error', (error) => {
    if (response.destroyed || response.writableEnded) return;
    answered(502, error);
    if (response.headersSent) response.destroy();
  });
  response.once('close', () => onward.destroy());
  onward.flushHeaders();
  request.pipe(onward, { end: false });
  request.once('end', () => {
    if (request.rawTrailers.length > 0) onward.addTrailers(pairs(request.rawTrailers));
    onward.end();
  });
}

/** Forwards an upgrade, such as a WebSocket, as bytes. Returns the connection to the release. */
export function forwardUpgrade(request: http.IncomingMessage, socket: Duplex, head: Buffer, to: Address): net.Socket {
  const headers = pairs([...request.rawHeaders, ...forwardedHeaders(request)]).map(([name, value]) => `${name}: ${value}\r\n`);
  const release = net.connect({ ...to, allowHalfOpen: true });
  release.write(`${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/1.1\r\n${headers.join('')}\r\n`, 'latin1');
  release.write(head);
  return tunnel(socket, release);
}

/** Connects two sockets. The end of one is the end of the other. */
export function tunnel(client: Duplex, release: net.Socket): net.Socket {
  for (const [one, other] of [
    [client, release],
    [release, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.once('close', () => other.destroy());
    one.pipe(other);
  }
  return release;
}

function sendAnswer(answer: http.IncomingMessage, response: http.ServerResponse): void {
  // The release decides about its headers.
  response.sendDate = false;
  // Node chooses the encoding of the body: a client of HTTP/1.0 has no chunks.
  const headers = endToEnd(answer.rawHeaders, 'transfer-encoding');
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers);
  // An event stream may have no body for long.
  response.flushHeaders();
  answer.pipe(response, { end: false });
  answer.once('end', () => {
    if (answer.rawTrailers.length > 0) response.addTrailers(pairs(answer.rawTrailers));
    response.end();
  });
  // The client must see that the body is incomplete.
  answer.once('error', () => response.destroy());
}

function sendInformation(response: http.ServerResponse, { statusCode, headers }: http.InformationEvent): void {
  if (response.headersSent) return;
  if (statusCode === 100) response.writeContinue();
  else if (statusCode === 102) response.writeProcessing();
  else if (statusCode === 103 && headers.link !== undefined) response.writeEarlyHints(headers as Record<string, string | string[]>);
}

/** Returns the headers for the next connection, in the flat form of `rawHeaders`. */
function endToEnd(raw: readonly string[], ...more: readonly string[]): string[] {
  const all = pairs(raw);
  const named = all.filter(([name]) => name.toLowerCase() === 'connection').flatMap(([, value]) => value.toLowerCase().split(/\s*,\s*/));
  const dropped = new Set([...hopByHop, ...named, ...more]);
  return all.filter(([name]) => !dropped.has(name.toLowerCase())).flat();
}

function forwardedHeaders({ headers, socket }: http.IncomingMessage): string[] {
  const added = {
    'x-forwarded-for': socket.remoteAddress ?? '',
    'x-forwarded-port': String(socket.localPort ?? ''),
    'x-forwarded-proto': 'http',
  };
  // HTTP/1.1, which the release gets, requires a host; HTTP/1.0 does not.
  const own = headers.host === undefined ? ['host', `${socket.localAddress}:${socket.localPort}`] : [];
  const host = headers['x-forwarded-host'] === undefined ? ['x-forwarded-host', headers.host ?? ''] : [];
  return [...own, ...Object.entries(added).flat(), ...host];
}

function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index] ?? '', flat[2 * index + 1] ?? '']);
}
