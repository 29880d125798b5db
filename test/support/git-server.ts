import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';

/** git's own program for servers; undefined where it is not installed. */
export function gitBackend(): string | undefined {
  const folder = execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim();
  const file = path.join(folder, 'git-http-backend');
  return fs.existsSync(file) ? file : undefined;
}

/** A server of git over HTTP for the repositories below a folder, which accepts `accepts` as user and password. */
export class GitServer {
  accepts = 'oauth2:right';
  /** Credentials without access: hosts answer that the repository does not exist. */
  hidesFrom: string | undefined;
  /** The credentials of each request; undefined: none. */
  readonly credentials: (string | undefined)[] = [];
  private readonly server: http.Server;

  constructor(
    private readonly folder: string,
    private readonly backend: string,
  ) {
    this.server = http.createServer((request, response) => this.serve(request, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { authorization } = request.headers;
    const given = authorization === undefined ? undefined : Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
    this.credentials.push(given);
    if (given !== undefined && given === this.hidesFrom) {
      request.resume();
      response.writeHead(404).end();
      return;
    }
    if (given !== this.accepts) {
      request.resume();
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
      return;
    }
    this.answer(request, response);
  }

  /** As RFC 3875 has it: the answer of the program begins with headers of its own. */
  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { pathname, search } = new URL(request.url ?? '', 'http://127.0.0.1');
    const { headers } = request;
    const backend = spawn(this.backend, {
      env: {
        ...process.env,
        GIT_PROJECT_ROOT: this.folder,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: pathname,
        QUERY_STRING: search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: headers['content-type'] ?? '',
        ...(headers['content-length'] !== undefined && { CONTENT_LENGTH: headers['content-length'] }),
        ...(headers['content-encoding'] !== undefined && { HTTP_CONTENT_ENCODING: headers['content-encoding'] }),
        REMOTE_USER: 'somebody',
        REMOTE_ADDR: '127.0.0.1',
      },
    });
    request.pipe(backend.stdin);
    const chunks: Buffer[] = [];
    backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    backend.once('close', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      const told = all
        .subarray(0, end)
        .toString()
        .split('\r\n')
        .map((line) => line.split(': ') as [string, string]);
      const status = told.find(([name]) => name === 'Status')?.[1];
      response.writeHead(
        status === undefined ? 200 : Number.parseInt(status, 10),
        Object.fromEntries(told.filter(([name]) => name !== 'Status')),
      );
      response.end(all.subarray(end + 4));
    });
  }
}
