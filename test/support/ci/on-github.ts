import * as assert from 'node:assert/strict';
import { openGithubClient } from '../../../src/core/ci/github/github-client';
import type { CiClient, RemoteJob, RemoteRun, CiResult } from '../../../src/core/ci/ci-client';
import { HttpClient } from '../../../src/core/http/http-client';
import type { GithubOptions } from './github-answers';
import { GithubServer } from './github-server';
import { jobOf, never, valueOf } from './remote-answers';
import { ScriptedRuns, type ScriptedRun } from './scripted-runs';

export const file = '.github/workflows/deliver-shop.yml';
export const commit = 'c'.repeat(40);
export const branch = 'deliver/shop/1';

/** A server of GitHub with one run, and the engine that asks it: call it in `describe`. */
export class OnGithub {
  server!: GithubServer;
  runs!: ScriptedRuns;
  engine!: CiClient;
  run!: ScriptedRun;

  constructor() {
    beforeEach(async () => this.open());
    afterEach(async () => {
      await this.server.stop();
      assert.deepEqual(this.server.complaints, [], 'GitHub does not describe such requests');
    });
  }

  /** Another one, in the place of the first. */
  async open(options: GithubOptions = {}, token = 'ghp_accepted', repository = 'acme/shop'): Promise<void> {
    if (this.server) await this.server.stop();
    this.runs = new ScriptedRuns({ build: [], test: ['build'], stage: ['test'] });
    this.server = await GithubServer.start(this.runs, options);
    const { url, answers } = this.server;
    answers.pushed.set(branch, { commit, subject: 'Cart adds up' });
    this.engine = openGithubClient(
      { server: url, repository, pipelines: new Map([['shop', file]]) },
      new HttpClient({ proxy: 'host', retryMs: 1, timeoutMs: 5000 }),
      async () => Promise.resolve(token),
      { patience: { waitMs: 1, tries: 5 } },
    );
    this.run = this.runs.begin({ branch, commit, subject: 'Cart adds up' });
  }

  async read(): Promise<RemoteRun> {
    return valueOf(await this.engine.read(this.run.id, never));
  }

  async job(name: string): Promise<RemoteJob> {
    return jobOf(await this.read(), name);
  }

  /** What was asked of the repository, without its address. */
  paths(method = 'GET'): string[] {
    return this.server.asked.filter((one) => one.method === method).map(({ path }) => path.replace('/api/v3/repos/acme/shop', ''));
  }

  async log(name: string, from = 0): Promise<{ readonly bytes: Buffer; readonly end: CiResult<{ readonly isWhole: boolean }> }> {
    const run = await this.read();
    const chunks: Buffer[] = [];
    const end = await this.engine.readLog(run, jobOf(run, name), from, (bytes) => chunks.push(bytes), never);
    return { bytes: Buffer.concat(chunks), end };
  }
}
