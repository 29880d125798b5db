import * as fs from 'node:fs';
import * as path from 'node:path';
import { openGithubClient } from '../../../../src/core/ci/github/github-client';
import { openGitlabClient } from '../../../../src/core/ci/gitlab/gitlab-client';
import { openJenkinsClient } from '../../../../src/core/ci/jenkins/jenkins-client';
import type { CiClient } from '../../../../src/core/ci/ci-client';
import { HttpClient } from '../../../../src/core/http/http-client';
import { FaultyAnswers } from '../../../support/ci/faulty-answers';
import { FollowedRound, type RoundEngine } from '../../../support/ci/followed-round';
import type { EngineServer } from '../../../support/ci/engine-server';
import { GithubServer } from '../../../support/ci/github-server';
import { GitlabServer } from '../../../support/ci/gitlab-server';
import { JenkinsServer } from '../../../support/ci/jenkins-server';
import { anything, RandomScript, text, type Printer } from '../../../support/ci/random-script';
import { ScriptedRuns } from '../../../support/ci/scripted-runs';
import { Random } from '../../../support/random';
import { temporaryFolder } from '../../../support/temporary';

/** `DELIVER_SEED` repeats what a run of these tests did, `DELIVER_ROUND` one round of it. */
const { DELIVER_SEED, DELIVER_ROUND, DELIVER_ROUNDS = '1000' } = process.env;
const seed = DELIVER_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(DELIVER_SEED);
const rounds = Array.from({ length: Number(DELIVER_ROUNDS) }, (_, round) => round).filter(
  (round) => DELIVER_ROUND === undefined || round === Number(DELIVER_ROUND),
);

interface Tested {
  readonly server: EngineServer;
  readonly piece: Printer;
  /** Whether it runs single jobs again while others go on. */
  readonly retries?: true;
  readonly engine: (script: RandomScript) => RoundEngine;
}

const client = new HttpClient({ proxy: 'host', retryMs: 1, timeoutMs: 3000 });

async function onGithub(): Promise<Tested> {
  const server = await GithubServer.start(new ScriptedRuns({}));
  return {
    server,
    piece: anything,
    engine: ({ run }) => ({
      name: 'github',
      id: run.id,
      open: () =>
        openGithubClient({ server: server.url, repository: 'acme/shop', pipelines: new Map() }, client, async () =>
          Promise.resolve(server.token),
        ),
    }),
  };
}

async function onGitlab(ranges: boolean): Promise<Tested> {
  const server = await GitlabServer.start(new ScriptedRuns({}), { ranges });
  return {
    server,
    piece: anything,
    retries: true,
    engine: ({ run }) => ({
      name: 'gitlab',
      id: run.id,
      open: () =>
        openGitlabClient({ server: server.url, project: 'acme/shop', services: ['shop'], service: 'shop' }, client, async () =>
          Promise.resolve(server.token),
        ),
    }),
  };
}

async function onJenkins(): Promise<Tested> {
  const server = await JenkinsServer.start(new ScriptedRuns({}));
  return {
    server,
    // Its log is read as a page of text: bytes that are none are not what they were in it.
    piece: text,
    engine: ({ run }) => {
      const steps = run.jobs.map(({ name }) => name);
      return {
        name: 'jenkins',
        id: `build:${server.build(run).number}`,
        open: () => openJenkinsClient({ server: server.url, job: server.job, steps }, client, async () => Promise.resolve(server.token)),
      };
    },
  };
}

describe(`Answers that are lost, delayed, cut and reordered at random (DELIVER_SEED=${seed})`, () => {
  const folder = temporaryFolder();
  const open = [onGithub, async () => onGitlab(true), async () => onGitlab(false), onJenkins];
  const names = ['GitHub', 'GitLab with ranges', 'GitLab without ranges', 'Jenkins'];

  for (const [index, start] of open.entries()) {
    const own = rounds.filter((round) => round % open.length === index);
    if (own.length === 0) continue;
    it(`lose no byte of a log of ${names[index] ?? ''} and tell no wrong state in ${own.length} rounds`, async function () {
      this.timeout(own.length * 1000 + 10_000);
      const tested = await start();
      try {
        for (const round of own) await follow(tested, round, folder.path);
      } finally {
        await tested.server.stop();
      }
    });
  }
});

async function follow({ server, piece, engine, retries }: Tested, round: number, folder: string): Promise<void> {
  const lines: string[] = [];
  const trace = (line: string): void => void lines.push(line);
  // Each thing that is random has numbers of its own: what one more answer changes is that answer alone.
  const numbers = (what: number): Random => new Random(seed * 7919 + round * 31 + what);
  const script = new RandomScript(1000 + round * 100, numbers(1), piece, trace, retries === true && numbers(4).happens(0.3));
  const faults = new FaultyAnswers(numbers(2), trace);
  server.runs.runs.splice(0, Infinity, script.run);
  server.onAnswer = faults.take;
  const of = path.join(folder, `round-${round}`);
  fs.mkdirSync(of);
  const there = engine(script);
  const opened: CiClient[] = [];
  const open = (): CiClient => {
    const one = there.open();
    opened.push(one);
    return one;
  };
  try {
    await new FollowedRound({ folder: of, random: numbers(3), engine: { ...there, open }, script, faults, trace }).run();
  } catch (error) {
    const again = `DELIVER_SEED=${seed} DELIVER_ROUND=${round}`;
    throw new Error(`round ${round} (${again}): ${(error as Error).message}\n${lines.join('\n')}\n${(error as Error).stack ?? ''}`);
  }
  for (const one of opened) one.close?.();
  fs.rmSync(of, { recursive: true });
}
