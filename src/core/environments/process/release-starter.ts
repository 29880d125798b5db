import * as fs from 'node:fs';
import * as path from 'node:path';
import { freePort } from '../../process/free-port';
import type { OutputPipes } from '../../process/output-pipe';
import { fileNames } from '../../support/files';
import { Mask } from '../../support/masking';
import { shortCommit } from '../../support/format';
import { addressVariable, isOrdinary, releaseEnvironment } from '../variables';
import { ReleaseLog, ReleaseProcess } from './release-process';
import type { EnvironmentFiles, RunnableRelease } from './state-file';

/** The number of logs of failed, rolled back and replaced releases that are kept for each service. */
const keptLogs = 5;

/** Starts releases with a port, the addresses of the other services, their secrets and a log. */
export class ReleaseStarter {
  /** The values of secrets by release. They are kept in memory only. */
  private readonly secrets = new Map<string, Readonly<Record<string, string>>>();

  private startCount = 0;

  /** `addresses` returns the address of each service of the environment. */
  constructor(
    private readonly files: EnvironmentFiles,
    private readonly pipes: OutputPipes,
    private readonly addresses: () => ReadonlyMap<string, string>,
  ) {}

  storeSecrets(release: string, secrets: Readonly<Record<string, string>>): void {
    this.secrets.set(release, secrets);
  }

  /** Returns the name of a secret that the release needs and whose value is unknown. */
  missingSecret(record: RunnableRelease): string | undefined {
    const values = this.secrets.get(record.release.id) ?? {};
    return record.secrets.find((name) => values[name] === undefined);
  }

  logFile(service: string, release: string): string {
    return this.files.releaseLog(service, release);
  }

  /** `url` is the address of the service. */
  async start(service: string, url: string, record: RunnableRelease): Promise<ReleaseProcess> {
    const { release, definition, folder } = record;
    const secrets = this.secrets.get(release.id) ?? {};
    fs.mkdirSync(path.dirname(this.files.feedback(service)), { recursive: true });
    const log = new ReleaseLog(this.logFile(service, release.id), new Mask(Object.values(secrets).filter((value) => !isOrdinary(value))));
    log.note(`${shortCommit(release.commit)} started ${new Date().toISOString()}`);
    const started = new ReleaseProcess(
      {
        lineage: this.files.lineage,
        // A restarted release must not be confused with its former process, which may still be ending.
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

  /** Deletes the secrets of all releases of a service except `kept`, and their logs except for the last few. */
  removeOthers(service: string, kept: readonly string[]): void {
    const folder = path.dirname(this.logFile(service, 'any'));
    const writtenAt = (release: string): number => fs.statSync(this.logFile(service, release), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const others = [...new Set(fileNames(folder).map((name) => name.replace(/\.log(\.1)?$/, '')))]
      .filter((release) => !kept.includes(release))
      .sort((a, b) => writtenAt(b) - writtenAt(a));
    for (const release of others) this.secrets.delete(release);
    for (const release of others.slice(keptLogs))
      for (const end of ['.log', '.log.1']) fs.rmSync(path.join(folder, `${release}${end}`), { force: true });
  }

  private variables(
    service: string,
    url: string,
    { release, definition, folder, slot }: RunnableRelease,
    secrets: Readonly<Record<string, string>>,
  ) {
    const others = [...this.addresses()].map(([name, address]) => [addressVariable(name), address] as const);
    return {
      ...releaseEnvironment(folder, slot),
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
