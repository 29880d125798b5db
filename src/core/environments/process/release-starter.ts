import * as fs from 'node:fs';
import * as path from 'node:path';
import { Mask } from '../../support/masking';
import { addressVariable } from '../variables';
import type { OutputPipes } from '../../process/output-pipe';
import { programFolders } from '../../process/step-environment';
import { plainEnvironment } from '../variables';
import { freePort } from '../../process/free-port';
import { ReleaseLog } from './release-process';
import { ReleaseProcess } from './release-process';
import type { EnvironmentFiles, RunnableRelease } from './state-file';

/** Starts releases with all that they get: their port, the others' addresses, their secrets, a log. */
export class ReleaseStarter {
  /** Values of secrets are in memory alone. */
  private readonly secrets = new Map<string, Readonly<Record<string, string>>>();

  private startCount = 0;

  /** `addresses`: where each service of the environment answers, by name. */
  constructor(
    private readonly files: EnvironmentFiles,
    private readonly pipes: OutputPipes,
    private readonly addresses: () => ReadonlyMap<string, string>,
  ) {}

  storeSecrets(release: string, secrets: Readonly<Record<string, string>>): void {
    this.secrets.set(release, secrets);
  }

  /** A secret that the release needs and whose value is not values any more. */
  missingSecret(record: RunnableRelease): string | undefined {
    const values = this.secrets.get(record.release.id) ?? {};
    return record.secrets.find((name) => values[name] === undefined);
  }

  logFile(service: string, release: string): string {
    return this.files.releaseLog(service, release);
  }

  /** `url` is where the service itself answers. */
  async start(service: string, url: string, record: RunnableRelease): Promise<ReleaseProcess> {
    const { release, definition, folder } = record;
    const secrets = this.secrets.get(release.id) ?? {};
    fs.mkdirSync(path.dirname(this.files.feedback(service)), { recursive: true });
    const log = new ReleaseLog(this.logFile(service, release.id), new Mask(Object.values(secrets)));
    log.note(`${release.commit.slice(0, 8)} started ${new Date().toISOString()}`);
    const started = new ReleaseProcess(
      {
        lineage: this.files.lineage,
        // A release that is brought back must not be taken for its former life, which may still be ending.
        mark: `${service}-${release.id}-${++this.startCount}`,
        definition,
        folder,
        port: await freePort(),
        env: this.variables(service, url, record, secrets),
      },
      log,
      this.pipes,
    );
    void started.exited.then(() => {
      log.note(started.exitReason ?? 'ended');
      log.close();
    });
    return started;
  }

  /** Logs and secrets of all releases of a service that can never be live again. */
  removeOthers(service: string, kept: readonly string[]): void {
    const folder = path.dirname(this.logFile(service, 'any'));
    for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
      const release = name.replace(/\.log(\.1)?$/, '');
      if (kept.includes(release)) continue;
      fs.rmSync(path.join(folder, name), { force: true });
      this.secrets.delete(release);
    }
  }

  private variables(
    service: string,
    url: string,
    { release, definition, folder, slot }: RunnableRelease,
    secrets: Readonly<Record<string, string>>,
  ) {
    const env = plainEnvironment(process.env);
    const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
    const others = [...this.addresses()].map(([name, address]) => [addressVariable(name), address] as const);
    return {
      ...env,
      [pathName]: [...programFolders(folder, slot), env[pathName]].join(path.delimiter),
      DELIVERY_ENVIRONMENT: this.files.name,
      DELIVERY_SERVICE: service,
      DELIVERY_COMMIT: release.commit,
      DELIVERY_URL: url,
      DELIVERY_FEEDBACK: this.files.feedback(service),
      ...Object.fromEntries(others),
      ...definition.env,
      ...secrets,
    };
  }
}
