import { fail, ok, type Result } from '../../model/result';
import type { ProgramEnd } from '../../process/program';
import { whyNoEngine } from './explain';

/** The compose program that works here, and the client of the engine that it talks to. */
export interface Programs {
  readonly compose: readonly [program: string, ...args: string[]];
  readonly engine: 'docker' | 'podman';
}

/** Calls a program to its end. */
export type Run = (program: string, args: readonly string[]) => Promise<ProgramEnd>;

/** In the order in which they are preferred. The older one is slow to start: that it is there has to do. */
const known: readonly Programs[] = [
  { compose: ['docker', 'compose'], engine: 'docker' },
  { compose: ['podman', 'compose'], engine: 'podman' },
  { compose: ['docker-compose'], engine: 'docker' },
];

async function findPrograms(run: Run, isThere: (program: string) => boolean): Promise<Result<Programs>> {
  const there = known.filter(({ compose: [program], engine }) => isThere(program) && isThere(engine));
  const works = await Promise.all(
    there.map(async ({ compose: [program, ...args] }) => args.length === 0 || (await run(program, [...args, 'version'])).exitCode === 0),
  );
  const best = there.find((_, index) => works[index]);
  if (best) return ok(best);
  return fail('usage', 'there is no docker compose, no podman compose and no docker-compose on this machine', {
    hint: isThere('docker')
      ? 'install the compose plugin of docker: https://docs.docker.com/compose/install'
      : 'install Docker (https://docs.docker.com/engine/install) or Podman',
  });
}

/** Those of this machine. Once they were found they are not looked for again: that costs more than most calls. */
export class FoundPrograms {
  private found: Programs | undefined;

  constructor(
    private readonly run: (signal: AbortSignal) => Run,
    private readonly isThere: (program: string) => boolean,
  ) {}

  async find(signal: AbortSignal): Promise<Result<Programs>> {
    if (this.found) return ok(this.found);
    const programs = await findPrograms(this.run(signal), this.isThere);
    if (programs.ok) this.found = programs.value;
    return programs;
  }
}

/** Whether the engine itself answers. */
export async function askEngine({ engine }: Programs, run: Run): Promise<Result<void>> {
  const end = await run(engine, ['version', '--format', '{{.Server.Version}}']);
  return end.exitCode === 0 ? ok(undefined) : whyNoEngine(engine, end);
}
