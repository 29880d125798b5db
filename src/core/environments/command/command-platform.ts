import * as fs from 'node:fs';
import * as path from 'node:path';
import { fail, ok, type Result } from '../../model/result';
import type { CommandDefinition } from './descriptor';
import { programFolders } from '../../process/step-environment';
import type { LogOptions, Say } from '../environment';
import { addressVariable } from '../address-variable';
import {
  markOf,
  secretsOf,
  type KeptRelease,
  type Observed,
  type Platform,
  type PlatformDeploy,
  type PlatformDeployed,
  type PlatformPlace,
} from '../platform';
import { plainEnvironment } from '../process/plain-environment';
import { lastLine, runProgram, type ProgramEnd } from '../../process/program';

/** How long `status` may take, and what it says is worth. */
const statusMs = 20_000;
/** How often a release that was deployed is asked whether it is healthy by now. */
const lookMs = 1_000;

/**
 * An environment that is the user's own scripts. Each runs in the service's folder of the checkout that it is about, and gets
 * `DELIVERY_ENVIRONMENT`, `DELIVERY_SERVICE`, `DELIVERY_COMMIT`, `DELIVERY_TREE`, `DELIVERY_RELEASE`, `DELIVERY_PREVIOUS` (a
 * commit, or empty), `DELIVERY_IMAGE` where an image is promoted, `NAME_URL` of the other services, and `DELIVERY_URL_FILE`, where `deploy` may write the address.
 */
export class CommandPlatform implements Platform {
  constructor(
    private readonly definition: CommandDefinition,
    private readonly place: PlatformPlace,
  ) {}

  /** Whether a script works is known when it runs: a step may write it. */
  async check(): Promise<Result<void>> {
    return ok(undefined);
  }

  async deploy(request: PlatformDeploy, log: Say, signal: AbortSignal): Promise<Result<PlatformDeployed>> {
    const { current, release, slot, folder, addresses, secrets } = request;
    const image = request.promotes?.artifact.image;
    const next: KeptRelease = { release, slot, folder, secrets: [], details: {}, ...(image !== undefined && { image }) };
    const deployed = await this.bringUp(next, this.definition.deploy, { addresses, secrets, previous: current }, log, signal);
    if (deployed.ok) return ok({ ...deployed.value, ...(image !== undefined && { image }) });
    if (!current) return deployed;
    log(`bringing ${current.release.commit.slice(0, 8)} back`);
    // The user's cancel must not keep what customers had from coming back.
    const back = await this.restore(current, log, new AbortController().signal);
    if (back.ok) return deployed;
    return fail(
      'delivery',
      `${deployed.failure.message}; ${current.release.commit.slice(0, 8)} could not be brought back: ${back.failure.message}`,
    );
  }

  async restore(to: KeptRelease, log: Say, signal: AbortSignal): Promise<Result<{ readonly url: string }>> {
    const { rollback, deploy } = this.definition;
    if (rollback === undefined && !fs.existsSync(to.folder))
      return fail('delivery', `the checkout of ${to.release.commit.slice(0, 8)} is gone, and there is no \`rollback\` script`, {
        hint: 'deliver that commit again',
      });
    return this.bringUp(to, rollback ?? deploy, { secrets: secretsOf(to, process.env) }, log, signal);
  }

  async takeDown(live: KeptRelease, log: Say, signal: AbortSignal): Promise<Result<void>> {
    if (this.definition.stop !== undefined) return this.stop(live, signal);
    log(`there is no earlier release and no \`stop\` script: ${live.release.commit.slice(0, 8)} is left as it is`);
    return fail('delivery', `${this.place.service} has no earlier release in ${this.place.environment}, and no \`stop\` script`);
  }

  async observe(live: KeptRelease | undefined, signal: AbortSignal): Promise<Result<readonly Observed[]>> {
    if (!live || this.definition.status === undefined) return ok([]);
    const why = await this.whyUnhealthy(live, signal);
    const { service } = this.place;
    return ok([
      { service, state: why === undefined ? 'healthy' : 'unhealthy', ...(why !== undefined && { reason: why }), release: live.release },
    ]);
  }

  async logs(live: KeptRelease, { follow }: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>> {
    const { logs } = this.definition;
    if (logs === undefined)
      return fail('usage', `${this.place.environment} has no \`logs\` script`, { hint: 'add one to its `command` in delivery.yaml' });
    const line = (text: string): void => write(Buffer.from(`${text}\n`));
    const end = await this.run(logs, live, { DELIVERY_FOLLOW: follow ? '1' : '' }, signal, { stdout: line, stderr: line });
    return end.exitCode === 0 || end.ended === 'cancelled' ? ok(undefined) : fail('machinery', this.whyEnded('logs', end));
  }

  async stop(live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    const { stop } = this.definition;
    if (stop === undefined)
      return fail('usage', `${this.place.environment} has no \`stop\` script`, { hint: 'add one to its `command` in delivery.yaml' });
    const end = await this.run(stop, live, {}, signal);
    return end.exitCode === 0 ? ok(undefined) : fail('delivery', this.whyEnded('stop', end));
  }

  async start(live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    const started = await this.restore(live, () => {}, signal);
    return started.ok ? ok(undefined) : started;
  }

  /** The scripts keep what they keep. */
  async forget(): Promise<void> {}

  private async bringUp(
    release: KeptRelease,
    script: string,
    more: { addresses?: Readonly<Record<string, string>>; secrets?: Readonly<Record<string, string>>; previous?: KeptRelease | undefined },
    log: Say,
    signal: AbortSignal,
  ): Promise<Result<{ url: string }>> {
    const began = Date.now();
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
    if (end.exitCode !== 0) return fail('delivery', this.whyEnded(script === this.definition.deploy ? 'deploy' : 'rollback', end));
    const why = await this.becomeHealthy(release, began + this.definition.timeoutMs, signal);
    if (why !== undefined) return fail('delivery', `${this.place.service} did not come up in ${this.place.environment}: ${why}`);
    if (url !== '') log(`live at ${url}`);
    return ok({ url });
  }

  private async becomeHealthy(release: KeptRelease, deadline: number, signal: AbortSignal): Promise<string | undefined> {
    if (this.definition.status === undefined) return undefined;
    for (;;) {
      const why = await this.whyUnhealthy(release, signal);
      if (why === undefined || signal.aborted || Date.now() >= deadline) return why;
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  private async whyUnhealthy(release: KeptRelease, signal: AbortSignal): Promise<string | undefined> {
    const end = await this.run(this.definition.status ?? '', release, {}, signal, { timeoutMs: statusMs });
    return end.exitCode === 0 ? undefined : (lastLine(`${end.stdout}\n${end.stderr}`) ?? this.whyEnded('status', end));
  }

  private whyEnded(script: string, end: ProgramEnd): string {
    if (end.ended === 'timeout') return `\`${script}\` did not end in time`;
    if (end.ended === 'cancelled') return 'cancelled';
    if (end.ended === 'missing') return `\`${script}\` could not be started`;
    const said = lastLine(end.stderr) ?? lastLine(end.stdout);
    return `\`${script}\` ended with ${end.exitCode === undefined ? 'a signal' : `exit code ${end.exitCode}`}${said === undefined ? '' : `: ${said}`}`;
  }

  private run(
    line: string,
    { release, folder, slot, image = '' }: KeptRelease,
    more: Readonly<Record<string, string>>,
    signal: AbortSignal,
    options: { stdout?: Say; stderr?: Say; timeoutMs?: number } = {},
  ): Promise<ProgramEnd> {
    const base = plainEnvironment(process.env);
    const pathName = Object.keys(base).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
    return runProgram({
      line,
      // A `rollback` script needs no checkout: the one it was made in may be gone.
      folder: fs.existsSync(folder) ? folder : this.place.folder,
      mark: { run: markOf(release.id), step: this.place.service },
      env: {
        ...base,
        [pathName]: [...programFolders(folder, slot), base[pathName]].join(path.delimiter),
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

/** One address, as the script wrote it; nothing else counts. */
function readUrl(file: string): string | undefined {
  try {
    const text = fs.readFileSync(file, 'utf8').trim();
    return /^https?:\/\/\S+$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
