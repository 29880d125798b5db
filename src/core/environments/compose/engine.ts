import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fail, ok, type Result } from '../../model/result';
import { type ProgramEnd, runProgram } from '../../process/program';
import type { WriteLine } from '../environment';
import type { PlatformPlace } from '../platform';
import { plainEnvironment } from '../variables';
import { type Container, label, networkOf, readContainers } from './containers';
import { engineFailure, isEngineUnreachable, lastMessage, startFailure } from './failures';

/** The limit for queries. Builds, pulls and starts have the timeout of their step. */
const queryTimeoutMs = 30_000;

export interface ComposeCall {
  readonly project: string;
  /** The service's folder in a checkout, and the compose files in it. Deliver's override comes last, as an absolute path. */
  readonly folder: string;
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The marker of its processes. */
  readonly run: string;
  readonly signal: AbortSignal;
  readonly log?: WriteLine;
}

interface InspectedImage {
  readonly RepoTags?: readonly string[] | null;
  readonly Config?: { readonly ExposedPorts?: Readonly<Record<string, unknown>> | null };
}

/** The container engine and compose, called as programs. */
export class ContainerEngine {
  constructor(readonly programs: EnginePrograms) {}

  get name(): EnginePrograms['engine'] {
    return this.programs.engine;
  }

  /** Calls the engine's client with a timeout. */
  async query(args: readonly string[], signal: AbortSignal, line?: WriteLine): Promise<ProgramEnd> {
    return callProgram(this.programs.engine, args, signal, { timeoutMs: queryTimeoutMs, stdout: line, stderr: line });
  }

  /** Calls the engine's client without a timeout. */
  async stream(args: readonly string[], signal: AbortSignal, line: WriteLine): Promise<ProgramEnd> {
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
      stdout: log,
      stderr: log,
    });
  }

  /** Returns the containers with all these labels, running or not. */
  async containers(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Result<Container[]>> {
    const filters = Object.entries(labels).flatMap(([name, value]) => ['--filter', `label=${name}=${value}`]);
    const listed = await this.query(['ps', '--all', '--quiet', '--no-trunc', ...filters], signal);
    if (listed.exitCode !== 0) return this.failure(listed);
    const ids = listed.stdout.split('\n').filter((id) => id !== '');
    return ids.length === 0 ? ok([]) : this.inspect(ids, signal);
  }

  /** Inspects containers. Those that no longer exist are left out. */
  async inspect(ids: readonly string[], signal: AbortSignal): Promise<Result<Container[]>> {
    const end = await this.query(['inspect', '--type', 'container', ...ids], signal);
    return end.stdout.trimStart().startsWith('[') ? ok(readContainers(end.stdout)) : this.failure(end);
  }

  /** Returns the id of a local image, or undefined if it does not exist. */
  async imageId(reference: string, signal: AbortSignal): Promise<string | undefined> {
    const end = await this.query(['image', 'inspect', '--format', '{{.Id}}', reference], signal);
    return end.exitCode === 0 ? end.stdout.trim() : undefined;
  }

  /** Returns the default log driver. */
  async logDriver(signal: AbortSignal): Promise<string> {
    return (await this.query(['info', '--format', '{{.LoggingDriver}}'], signal)).stdout.trim();
  }

  /** Returns the names and the exposed ports of an image. */
  async inspectImage(
    reference: string,
    signal: AbortSignal,
  ): Promise<{ readonly names: readonly string[]; readonly ports: readonly number[] }> {
    const end = await this.query(['image', 'inspect', reference], signal);
    const [image] = end.exitCode === 0 ? (JSON.parse(end.stdout) as InspectedImage[]) : [];
    const ports = Object.keys(image?.Config?.ExposedPorts ?? {}).filter((port) => port.endsWith('/tcp'));
    return { names: image?.RepoTags ?? [], ports: ports.map((port) => parseInt(port, 10)) };
  }

  /** Pulls an image. Returns whether that succeeded. */
  async pull(reference: string, signal: AbortSignal): Promise<boolean> {
    return (await callProgram(this.programs.engine, ['pull', '--quiet', reference], signal)).exitCode === 0;
  }

  /** Calls the engine's client for its effect. */
  async run(args: readonly string[], signal: AbortSignal): Promise<Result<void>> {
    const end = await this.query(args, signal);
    return end.exitCode === 0 ? ok(undefined) : this.failure(end);
  }

  failure(end: ProgramEnd): Result<never> {
    if (isEngineUnreachable(end)) return engineFailure(this.name, end);
    return end.ended === 'cancelled' ? fail('cancelled', 'cancelled') : fail('machinery', `${this.name}: ${lastMessage(end)}`);
  }
}

/** Calls a program that queries the engine or sends it a command. */
export async function callProgram(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
  more: { readonly timeoutMs?: number; readonly stdout?: WriteLine; readonly stderr?: WriteLine } = {},
): Promise<ProgramEnd> {
  const mark = { run: `engine-${randomUUID()}`, step: 'call' };
  return runProgram({ program, args, folder: os.tmpdir(), env: engineEnvironment(process.env), mark, signal, ...more });
}

/** Returns whether `PATH` contains a program. */
export function isProgram(name: string): boolean {
  const { PATH = '' } = engineEnvironment(process.env);
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`, name] : [name];
  return PATH.split(path.delimiter).some((folder) => names.some((file) => fs.existsSync(path.join(folder, file))));
}

/** A compose program that works on this machine, and the client of its engine. */
export interface EnginePrograms {
  readonly compose: readonly [program: string, ...args: string[]];
  readonly engine: 'docker' | 'podman';
}

export type Run = (program: string, args: readonly string[]) => Promise<ProgramEnd>;

/** In order of preference. docker-compose is slow to start, so its presence is enough. */
const known: readonly EnginePrograms[] = [
  { compose: ['docker', 'compose'], engine: 'docker' },
  { compose: ['podman', 'compose'], engine: 'podman' },
  { compose: ['docker-compose'], engine: 'docker' },
];

async function findPrograms(run: Run, isInstalled: (program: string) => boolean): Promise<Result<EnginePrograms>> {
  const installed = known.filter(({ compose: [program], engine }) => isInstalled(program) && isInstalled(engine));
  const works = await Promise.all(
    installed.map(
      async ({ compose: [program, ...args] }) => args.length === 0 || (await run(program, [...args, 'version'])).exitCode === 0,
    ),
  );
  const best = installed.find((_, index) => works[index]);
  if (best) return ok(best);
  return fail('usage', 'docker compose, podman compose or docker-compose is required, and none is installed', {
    hint: isInstalled('docker')
      ? 'install the compose plugin of docker: https://docs.docker.com/compose/install'
      : 'install Docker (https://docs.docker.com/engine/install) or Podman',
  });
}

/** Finds the programs of this machine once: the search costs more than most calls. */
export class ProgramFinder {
  private found: EnginePrograms | undefined;

  constructor(
    private readonly run: (signal: AbortSignal) => Run,
    private readonly isInstalled: (program: string) => boolean,
  ) {}

  async find(signal: AbortSignal): Promise<Result<EnginePrograms>> {
    if (this.found) return ok(this.found);
    const programs = await findPrograms(this.run(signal), this.isInstalled);
    if (programs.ok) this.found = programs.value;
    return programs;
  }
}

/** Checks that the engine answers. */
export async function checkEngine({ engine }: EnginePrograms, run: Run): Promise<Result<void>> {
  const end = await run(engine, ['version', '--format', '{{.Server.Version}}']);
  return end.exitCode === 0 ? ok(undefined) : engineFailure(engine, end);
}

/** Creates the network of the environment if it does not exist. */
export async function ensureNetwork(
  engine: ContainerEngine,
  { service, environment }: PlatformPlace,
  signal: AbortSignal,
): Promise<Result<void>> {
  const name = networkOf(environment);
  if ((await engine.run(['network', 'inspect', name], signal)).ok) return ok(undefined);
  const made = await engine.query(['network', 'create', '--label', `${label.environment}=${environment}`, name], signal);
  // The delivery of another service may have created it since.
  if (made.exitCode === 0 || (await engine.run(['network', 'inspect', name], signal)).ok) return ok(undefined);
  return made.ended === 'cancelled' ? fail('cancelled', 'cancelled') : startFailure(service, environment, made);
}

/** Variables that say where the engine is and how it builds. Those that would select other files or another project are excluded. */
const engineVariables =
  /^(DOCKER_(HOST|CONTEXT|CONFIG|CERT_PATH|TLS|TLS_VERIFY|API_VERSION|BUILDKIT|DEFAULT_PLATFORM)|BUILDKIT_.*|BUILDX_.*|CONTAINER(S)?_.*|COMPOSE_(HTTP_TIMEOUT|PARALLEL_LIMIT|DOCKER_CLI_BUILD|TLS_VERSION|BAKE)|SSH_AUTH_SOCK)$/;

/** Returns the variables that the engine's client and compose inherit. */
export function engineEnvironment(base: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(base).filter(([name, value]) => value !== undefined && engineVariables.test(name));
  return { ...plainEnvironment(base), ...(Object.fromEntries(kept) as Record<string, string>) };
}
