import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fail, ok, type Result } from '../../model/result';
import type { Say } from '../environment';
import { runProgram, type ProgramEnd } from '../../process/program';
import { readContainers, type Container } from './containers';
import { isEngineAway, saidLast, whyNoEngine } from './explain';
import type { Programs } from './programs';
import { engineEnvironment } from './variables';

/** How long a question to the engine may take; what builds, pulls or starts has the time of its step. */
const askMs = 30_000;

export interface ComposeCall {
  readonly project: string;
  /** The service's folder in a checkout, and the compose files in it; Deliver's own comes last, absolute. */
  readonly folder: string;
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What its processes are marked with. */
  readonly run: string;
  readonly signal: AbortSignal;
  readonly log?: Say;
}

interface InspectedImage {
  readonly RepoTags?: readonly string[] | null;
  readonly Config?: { readonly ExposedPorts?: Readonly<Record<string, unknown>> | null };
}

/** The container engine and compose, as programs that are called. */
export class Engine {
  constructor(readonly programs: Programs) {}

  get name(): Programs['engine'] {
    return this.programs.engine;
  }

  /** Calls the engine's client. */
  async ask(args: readonly string[], signal: AbortSignal, line?: Say): Promise<ProgramEnd> {
    return callProgram(this.programs.engine, args, signal, { timeoutMs: askMs, ...(line && { stdout: line, stderr: line }) });
  }

  /** Calls the engine's client for as long as it takes. */
  async follow(args: readonly string[], signal: AbortSignal, line: Say): Promise<ProgramEnd> {
    return callProgram(this.programs.engine, args, signal, { stdout: line, stderr: line });
  }

  async compose(args: readonly string[], { project, folder, files, env, run, signal, log }: ComposeCall): Promise<ProgramEnd> {
    const [program, ...first] = this.programs.compose;
    return runProgram({
      program,
      args: [...first, '--project-name', project, ...files.flatMap((file) => ['--file', file]), ...args],
      folder,
      env: { ...engineEnvironment(process.env), BUILDKIT_PROGRESS: 'plain', ...env },
      mark: { run, step: randomUUID() },
      signal,
      ...(log && { stdout: log, stderr: log }),
    });
  }

  /** The containers that carry all these labels, running or not. */
  async containers(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Result<Container[]>> {
    const filters = Object.entries(labels).flatMap(([name, value]) => ['--filter', `label=${name}=${value}`]);
    const listed = await this.ask(['ps', '--all', '--quiet', '--no-trunc', ...filters], signal);
    if (listed.exitCode !== 0) return this.refused(listed);
    const ids = listed.stdout.split('\n').filter((id) => id !== '');
    return ids.length === 0 ? ok([]) : this.inspect(ids, signal);
  }

  /** Of those that are gone meanwhile it says nothing. */
  async inspect(ids: readonly string[], signal: AbortSignal): Promise<Result<Container[]>> {
    const end = await this.ask(['inspect', '--type', 'container', ...ids], signal);
    return end.stdout.trimStart().startsWith('[') ? ok(readContainers(end.stdout)) : this.refused(end);
  }

  /** The id of an image that is on this machine. */
  async imageId(reference: string, signal: AbortSignal): Promise<string | undefined> {
    const end = await this.ask(['image', 'inspect', '--format', '{{.Id}}', reference], signal);
    return end.exitCode === 0 ? end.stdout.trim() : undefined;
  }

  /** What keeps the logs of containers that do not say it themselves. */
  async logDriver(signal: AbortSignal): Promise<string> {
    return (await this.ask(['info', '--format', '{{.LoggingDriver}}'], signal)).stdout.trim();
  }

  /** The names that an image has, and the ports that it says it listens on. */
  async imageFacts(
    reference: string,
    signal: AbortSignal,
  ): Promise<{ readonly names: readonly string[]; readonly ports: readonly number[] }> {
    const end = await this.ask(['image', 'inspect', reference], signal);
    const [image] = end.exitCode === 0 ? (JSON.parse(end.stdout) as InspectedImage[]) : [];
    const ports = Object.keys(image?.Config?.ExposedPorts ?? {}).filter((port) => port.endsWith('/tcp'));
    return { names: image?.RepoTags ?? [], ports: ports.map((port) => parseInt(port, 10)) };
  }

  /** Pulls an image; whether that worked. */
  async pull(reference: string, signal: AbortSignal): Promise<boolean> {
    return (await callProgram(this.programs.engine, ['pull', '--quiet', reference], signal)).exitCode === 0;
  }

  /** What the engine was asked, as a result: for what has to be done, and nothing is to be learnt from. */
  async act(args: readonly string[], signal: AbortSignal): Promise<Result<void>> {
    const end = await this.ask(args, signal);
    return end.exitCode === 0 ? ok(undefined) : this.refused(end);
  }

  refused(end: ProgramEnd): Result<never> {
    if (isEngineAway(end)) return whyNoEngine(this.name, end);
    return end.ended === 'cancelled' ? fail('cancelled', 'cancelled') : fail('machinery', `${this.name}: ${saidLast(end)}`);
  }
}

/** Calls a program that only asks or says something to the engine. */
export async function callProgram(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
  more: { readonly timeoutMs?: number; readonly stdout?: Say; readonly stderr?: Say } = {},
): Promise<ProgramEnd> {
  const mark = { run: `engine-${randomUUID()}`, step: 'call' };
  return runProgram({ program, args, folder: os.tmpdir(), env: engineEnvironment(process.env), mark, signal, ...more });
}

/** Whether a program is found in `PATH`. */
export function isProgram(name: string): boolean {
  const { PATH = '' } = engineEnvironment(process.env);
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`, name] : [name];
  return PATH.split(path.delimiter).some((folder) => names.some((one) => fs.existsSync(path.join(folder, one))));
}
