import { spawn } from 'node:child_process';
import * as http from 'node:http';
import * as net from 'node:net';
import type { HealthDefinition } from '../../model/pipeline';

/** How long one probe may take. */
const probeMs = 5_000;

/** Where a release listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A program that listens on `localhost` alone may have got either of its addresses. */
export async function findListener(port: number): Promise<Address | undefined> {
  for (const host of ['127.0.0.1', '::1']) if ((await probeTcp({ host, port })) === undefined) return { host, port };
  return undefined;
}

/** `undefined`: healthy; else why not, in a few words. A command gets `folder` and `env` of the release. */
export async function probe(
  { probe: by }: HealthDefinition,
  address: Address,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  if ('http' in by) return probeHttp(address, by.http);
  if ('command' in by) return probeCommand(by.command, folder, env);
  return probeTcp(address);
}

async function probeHttp(address: Address, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = http.get({ ...address, path, agent: false, timeout: probeMs }, (response) => {
      response.resume();
      const status = response.statusCode ?? 0;
      resolve(status >= 200 && status < 400 ? undefined : `GET ${path} answered ${status}`);
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${probeMs / 1000} s`)));
    request.once('error', (error) => resolve(`GET ${path}: ${error.message}`));
  });
}

async function probeTcp(address: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ ...address, timeout: probeMs });
    const end = (why?: string): void => {
      socket.destroy();
      resolve(why);
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end(`port ${address.port} did not answer`));
    socket.once('error', (error) => end(error.message));
  });
}

async function probeCommand(command: string, folder: string, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(command, {
      cwd: folder,
      env,
      shell: true,
      stdio: 'ignore',
      timeout: probeMs,
      killSignal: 'SIGKILL',
      windowsHide: true,
    });
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : `the health command ended with ${code ?? signal}`));
  });
}
