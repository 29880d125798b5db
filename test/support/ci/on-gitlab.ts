import { openGitlabClient } from '../../../src/core/ci/gitlab/gitlab-client';
import type { CiClient, RemoteJob, RemoteRun, CiResult } from '../../../src/core/ci/ci-client';
import { HttpClient } from '../../../src/core/http/http-client';
import type { Reply } from '../http-server';
import { GitlabServer, type GitlabOptions } from './gitlab-server';
import { jobOf, never, valueOf } from './remote-answers';
import { ScriptedRuns } from './scripted-runs';

export const commit = 'a'.repeat(40);
export const branch = 'deliver/shop/1';

const shop = { build: [], test: ['build'], stage: ['test'] };

/** A server of GitLab, and the engine that asks it: call it in `describe`. */
export class OnGitlab {
  server!: GitlabServer;
  runs!: ScriptedRuns;
  engine!: CiClient;
  private services: readonly string[] = [];
  private project = '';

  constructor() {
    beforeEach(async () => this.open());
    afterEach(async () => this.server.stop());
  }

  /** Another one, in the place of the first. `jobs`: names with what each needs. */
  async open(options: GitlabOptions = {}, services = ['shop'], jobs: Readonly<Record<string, readonly string[]>> = shop): Promise<void> {
    if (this.server) await this.server.stop();
    this.runs = new ScriptedRuns(jobs);
    this.server = await GitlabServer.start(this.runs, options);
    this.server.api.branches.set(branch, commit);
    this.services = services;
    this.project = options.project ?? 'acme/shop';
    this.engine = this.engineWith(this.server.token);
  }

  /** Another engine that asks the same server. */
  engineWith(token: string): CiClient {
    const { server, project, services } = this;
    return openGitlabClient(
      { server: server.url, project, services, service: 'shop' },
      new HttpClient({ proxy: 'host', retryMs: 1 }),
      async (kind, host) => Promise.resolve(kind === 'gitlab' && host === server.url ? token : undefined),
    );
  }

  /** What is answered from now on, where such a path is asked for. */
  reply(path: RegExp, answer: Reply): void {
    this.server.fault = (asked) => (path.test(asked.path) ? { reply: answer } : undefined);
  }

  /** The newest run. */
  async read(): Promise<RemoteRun> {
    return valueOf(await this.engine.read(this.runs.runs[0]?.id ?? '', never));
  }

  async job(name: string): Promise<RemoteJob> {
    return jobOf(await this.read(), name);
  }

  async log(of: RemoteJob, from = 0): Promise<{ readonly text: string; readonly end: CiResult<{ readonly isWhole: boolean }> }> {
    const chunks: Buffer[] = [];
    const end = await this.engine.readLog(await this.read(), of, from, (bytes) => chunks.push(bytes), never);
    return { text: Buffer.concat(chunks).toString(), end };
  }
}
