import type { CiClient } from '../../../src/core/ci/ci-client';
import { follow } from './jenkins-following';
import { JenkinsServer } from './jenkins-server';
import { never, valueOf } from './remote-answers';
import { ScriptedRuns } from './scripted-runs';

export const request = { service: 'shop', file: 'Jenkinsfile', branch: 'deliver/abc', commit: 'a'.repeat(40) };

/** A Jenkins below a path of its server, and the engine that asks it: call it in `describe`. */
export class OnJenkins {
  jenkins!: JenkinsServer;
  runs!: ScriptedRuns;
  engine!: CiClient;

  constructor() {
    beforeEach(async () => {
      this.runs = new ScriptedRuns({ build: [], test: ['build'], stage: ['test'] });
      this.jenkins = await JenkinsServer.start(this.runs, { prefix: '/ci', commitOf: () => request.commit });
      this.engine = follow(this.jenkins);
    });
    afterEach(async () => this.jenkins.stop());
  }

  /** Starts a run, and answers its id. */
  async begin(): Promise<string> {
    return valueOf(await this.engine.start(request, never)).id;
  }
}
