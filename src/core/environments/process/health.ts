import { spawn } from 'node:child_process';
import * as http from 'node:http';
import * as net from 'node:net';
import type { HealthDefinition } from '../../model/pipeline';
import { startFailure } from '../../process/command';

const probeTimeoutMs = 5_000;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Returns the address that listens on a port. A program that listens on `localhost` may have either of the two. */
export async function findListener(port: number): Promise<Address | undefined> {
  for (const host of ['127.0.0.1', '::1']) if ((await probeTcp({ host, port })) === undefined) return { host, port };
  return undefined;
}

/** Returns undefined if the release is healthy, else the reason in a few words. A command gets `folder` and `env` of the release. */
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
    const request = http.get({ ...address, path, agent: false, timeout: probeTimeoutMs }, (response) => {
      response.resume();
      const status = response.statusCode ?? 0;
      resolve(status >= 200 && status < 400 ? undefined : `GET ${path} answered ${status}`);
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${probeTimeoutMs / 1000} s`)));
    request.once('error', (error) => resolve(`GET ${path}: ${error.message}`));
  });
}

async function probeTcp(address: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ ...address, timeout: probeTimeoutMs });
    const end = (reason?: string): void => {
      socket.destroy();
      resolve(reason);
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
      timeout: probeTimeoutMs,
      killSignal: 'SIGKILL',
      windowsHide: true,
    });
    child.once('error', (error) => resolve(startFailure(error, folder)));
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : `the health command ended with ${code ?? signal}`));
  });
}
