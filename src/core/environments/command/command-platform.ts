import * as fs from 'node:fs';
import * as path from 'node:path';
import type { CommandDefinition } from './descriptor';
import { fail, ok, type Result } from '../../model/result';
import { lastLine, type ProgramEnd, runProgram } from '../../process/program';
import { pause } from '../../support/pause';
import { shortCommit } from '../../support/format';
import type { LogOptions, WriteLine } from '../environment';
import {
  type KeptRelease,
  markOf,
  type Observed,
  type Platform,
  type PlatformDeploy,
  type PlatformDeployed,
  type PlatformPlace,
  secretsOf,
} from '../platform';
import { addressVariable, releaseEnvironment } from '../variables';

const statusTimeoutMs = 20_000;
const pollIntervalMs = 1_000;

/**
 * An environment that is driven by the user's own scripts. Each script runs in the service's folder of the release's checkout and
 * gets `DELIVERY_ENVIRONMENT`, `DELIVERY_SERVICE`, `DELIVERY_COMMIT`, `DELIVERY_TREE`, `DELIVERY_RELEASE`, `DELIVERY_PREVIOUS` (a
 * commit, or empty), `DELIVERY_IMAGE` if an image is promoted, `NAME_URL` of the other services, and `DELIVERY_URL_FILE`, a file to
 * which `deploy` may write the address.
 */
export class CommandPlatform implements Platform {
  constructor(
    private readonly definition: CommandDefinition,
    private readonly place: PlatformPlace,
  ) {}

  /** Accepts everything: a step of the run may still write the scripts. */
  async check(): Promise<Result<void>> {
    return ok(undefined);
  }

  async deploy(request: PlatformDeploy, log: WriteLine, signal: AbortSignal): Promise<Result<PlatformDeployed>> {
    const { current, release, slot, folder, addresses, secrets } = request;
    const image = request.promotes?.artifact.image;
    const next: KeptRelease = { release, slot, folder, secrets: [], details: {}, image };
    const deployed = await this.runAndWait(next, this.definition.deploy, { addresses, secrets, previous: current }, log, signal);
    if (deployed.ok) return ok({ ...deployed.value, image });
    if (!current) return deployed;
    log(`restoring ${shortCommit(current.release.commit)}`);
    // A cancel must not stop the rollback.
    const restored = await this.restore(current, log, new AbortController().signal);
    if (restored.ok) return deployed;
    return fail(
      'delivery',
      `${deployed.failure.message}; ${shortCommit(current.release.commit)} could not be restored: ${restored.failure.message}`,
    );
  }

  async restore(to: KeptRelease, log: WriteLine, signal: AbortSignal): Promise<Result<{ readonly url: string }>> {
    const { rollback, deploy } = this.definition;
    if (rollback === undefined && !fs.existsSync(to.folder))
      return fail('delivery', `the checkout of ${shortCommit(to.release.commit)} no longer exists, and there is no \`rollback\` script`, {
        hint: 'deliver that commit again',
      });
    return this.runAndWait(to, rollback ?? deploy, { secrets: secretsOf(to, process.env) }, log, signal);
  }

  async takeDown(live: KeptRelease, log: WriteLine, signal: AbortSignal): Promise<Result<void>> {
    if (this.definition.stop !== undefined) return this.stop(live, signal);
    log(`there is no earlier release and no \`stop\` script: ${shortCommit(live.release.commit)} stays live`);
    return fail('delivery', `${this.place.service} has no earlier release in ${this.place.environment}, and no \`stop\` script`);
  }

  async observe(live: KeptRelease | undefined, signal: AbortSignal): Promise<Result<readonly Observed[]>> {
    if (!live || this.definition.status === undefined) return ok([]);
    const problem = await this.healthProblem(live, signal);
    const { service } = this.place;
    return ok([{ service, state: problem === undefined ? 'healthy' : 'unhealthy', reason: problem, release: live.release }]);
  }

  async logs(live: KeptRelease, { follow }: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>> {
    const { logs } = this.definition;
    if (logs === undefined)
      return fail('usage', `${this.place.environment} has no \`logs\` script`, { hint: 'add one to its `command` in delivery.yaml' });
    const line = (text: string): void => write(Buffer.from(`${text}\n`));
    const end = await this.run(logs, live, { DELIVERY_FOLLOW: follow ? '1' : '' }, signal, { stdout: line, stderr: line });
    return end.exitCode === 0 || end.ended === 'cancelled' ? ok(undefined) : fail('machinery', this.failureOf('logs', end));
  }

  async stop(live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    const { stop } = this.definition;
    if (stop === undefined)
      return fail('usage', `${this.place.environment} has no \`stop\` script`, { hint: 'add one to its `command` in delivery.yaml' });
    const end = await this.run(stop, live, {}, signal);
    return end.exitCode === 0 ? ok(undefined) : fail('delivery', this.failureOf('stop', end));
  }

  async start(live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    const started = await this.restore(live, () => {}, signal);
    return started.ok ? ok(undefined) : started;
  }

  /** Does nothing: the scripts manage their own leftovers. */
  async forget(): Promise<void> {}

  private async runAndWait(
    release: KeptRelease,
    script: string,
    more: { addresses?: Readonly<Record<string, string>>; secrets?: Readonly<Record<string, string>>; previous?: KeptRelease | undefined },
    log: WriteLine,
    signal: AbortSignal,
  ): Promise<Result<{ url: string }>> {
    const startedAt = Date.now();
    const file = path.join(this.place.folder, `url-${release.release.id}`);
    fs.rmSync(file, { force: true });
    const env = {
      DELIVERY_URL_FILE: file,
      DELIVERY_PREVIOUS: more.previous?.release.commit ?? '',
      ...Object.fromEntries(Object.entries(more.addresses ?? {}).map(([name, url]) => [addressVariable(name), url])),
      ...more.secrets,
    };
    const end = await this.run(script, release, env, signal, { stdout: log, stderr: log, timeoutMs: this.definition.timeoutMs });
    const url = readUrl(file) ?? this.definition.url ?? '';
    fs.rmSync(file, { force: true });
    if (end.exitCode !== 0) return fail('delivery', this.failureOf(script === this.definition.deploy ? 'deploy' : 'rollback', end));
    const problem = await this.waitUntilHealthy(release, startedAt + this.definition.timeoutMs, signal);
    if (problem !== undefined) return fail('delivery', `${this.place.service} did not come up in ${this.place.environment}: ${problem}`);
    if (url !== '') log(`live at ${url}`);
    return ok({ url });
  }

  private async waitUntilHealthy(release: KeptRelease, deadline: number, signal: AbortSignal): Promise<string | undefined> {
    if (this.definition.status === undefined) return undefined;
    for (;;) {
      const problem = await this.healthProblem(release, signal);
      if (problem === undefined || signal.aborted || Date.now() >= deadline) return problem;
      await pause(pollIntervalMs);
    }
  }

  private async healthProblem(release: KeptRelease, signal: AbortSignal): Promise<string | undefined> {
    const end = await this.run(this.definition.status ?? '', release, {}, signal, { timeoutMs: statusTimeoutMs });
    return end.exitCode === 0 ? undefined : (lastLine(`${end.stdout}\n${end.stderr}`) ?? this.failureOf('status', end));
  }

  private failureOf(script: string, end: ProgramEnd): string {
    if (end.ended === 'timeout') return `\`${script}\` timed out`;
    if (end.ended === 'cancelled') return 'cancelled';
    if (end.ended === 'missing') return `\`${script}\` could not be started`;
    const lastOutput = lastLine(end.stderr) ?? lastLine(end.stdout);
    return `\`${script}\` ended with ${end.exitCode === undefined ? 'a signal' : `exit code ${end.exitCode}`}${lastOutput === undefined ? '' : `: ${lastOutput}`}`;
  }

  private run(
    line: string,
    { release, folder, slot, image = '' }: KeptRelease,
    more: Readonly<Record<string, string>>,
    signal: AbortSignal,
    options: { stdout?: WriteLine; stderr?: WriteLine; timeoutMs?: number } = {},
  ): Promise<ProgramEnd> {
    return runProgram({
      line,
      // A `rollback` script needs no checkout, which may have been removed.
      folder: fs.existsSync(folder) ? folder : this.place.folder,
      mark: { run: markOf(release.id), step: this.place.service },
      env: {
        ...releaseEnvironment(folder, slot),
        DELIVERY_ENVIRONMENT: this.place.environment,
        DELIVERY_SERVICE: this.place.service,
        DELIVERY_COMMIT: release.commit,
        DELIVERY_TREE: release.tree,
        DELIVERY_RELEASE: release.id,
        DELIVERY_IMAGE: image,
        ...this.definition.env,
        ...more,
      },
      signal,
      ...options,
    });
  }
}

/** Returns the address in the file, or undefined if it holds anything else. */
function readUrl(file: string): string | undefined {
  try {
    const text = fs.readFileSync(file, 'utf8').trim();
    return /^https?:\/\/\S+$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
