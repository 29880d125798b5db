import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { PlainLog, CiClient, CiFailure, RemoteJob, RemoteRun } from '../../../src/core/ci/ci-client';
import { RunFollower, type Look } from '../../../src/core/ci/follow/run-follower';
import { Mask } from '../../../src/core/support/masking';
import type { Step } from '../../../src/core/model/pipeline';
import type { EventBody, RunEvent } from '../../../src/core/model/events';
import { Journal, journalName, readEvents } from '../../../src/core/history/journal';
import { readRecorded } from '../../../src/core/history/runs';
import type { RunState, StepProgress } from '../../../src/core/model/run-state';
import { temporaryFolder } from '../temporary';

const runner = { pid: 1, startedAt: 'of the test' };
const shop: readonly Step[] = [step('build'), step('stage', { deploy: 'staging' }), step('accept', { verifies: 'staging' })];

export const lost: CiFailure = { state: 'failed', reason: 'offline', message: 'ci.example.com was not found' };

/** A CI service as a test says that it is. */
class Service {
  /** Instead of the run. */
  fails: CiFailure | undefined;
  /** Instead of a log. */
  logs: CiFailure | undefined;
  private run: Pick<RemoteRun, 'state' | 'jobs'> = { state: 'waiting', jobs: [] };
  /** By the ids of jobs. */
  private readonly printed = new Map<string, string>();

  tells(run: { readonly state: RemoteRun['state']; readonly jobs: readonly RemoteJob[] }): void {
    this.run = run;
  }

  prints(job: string, text: string): void {
    this.printed.set(job, (this.printed.get(job) ?? '') + text);
  }

  get engine(): CiClient {
    const none = (): never => assert.fail('it is not asked for this');
    const facts = { id: '7', attempt: 1, url: 'https://ci.example.com/7', branch: 'main', commit: 'a'.repeat(40), subject: '' };
    return {
      ...{ name: 'gitlab', label: 'A service', host: 'https://ci.example.com', place: 'acme/shop', logs: 'live', reruns: 'failed jobs' },
      ...{ check: none, start: none, list: none, problems: none, cancel: none, rerun: none, approve: none, deployments: none },
      allowance: undefined,
      read: async () =>
        Promise.resolve(this.fails ?? { state: 'ok', value: { ...facts, createdAt: '2026-11-24T10:00:00.000Z', ...this.run } }),
      readLog: async (_, { id, state }, from, write) => {
        if (this.logs) return Promise.resolve(this.logs);
        const bytes = Buffer.from(this.printed.get(id) ?? '').subarray(from);
        if (bytes.length > 0) write(bytes);
        return Promise.resolve({ state: 'ok', value: { isWhole: state !== 'running' } });
      },
      plain: withoutMarks,
    };
  }
}

/** The service writes `[MARK]` here and there, also in parts. */
function withoutMarks(): PlainLog {
  let rest = '';
  return {
    push: (bytes) => {
      const all = (rest + bytes.toString()).replaceAll('[MARK]', '');
      const at = /\[M?A?R?K?$/.exec(all)?.index ?? all.length;
      rest = all.slice(at);
      return Buffer.from(all.slice(0, at));
    },
    flush: () => Buffer.from(rest),
  };
}

/** A run that is followed in a folder of the test, by one process after the other: call it in `describe`. */
export class FollowedHere {
  service = new Service();
  /** What was searched for problems. */
  reported: string[] = [];
  private readonly folder = temporaryFolder();
  private now = 0;
  private follower!: RunFollower;
  private journal!: Journal;
  private last: RunEvent['type'] | undefined;

  constructor() {
    beforeEach(() => this.begin());
    afterEach(() => this.leave());
  }

  /** What the service tells of the run from now on. */
  tells(state: RemoteRun['state'], ...jobs: readonly RemoteJob[]): void {
    this.service.tells({ state, jobs });
  }

  /** So long after the look before. */
  async look(afterMs = 2000): Promise<Look> {
    this.now += afterMs;
    return this.follower.look(new AbortController().signal);
  }

  /** The process ends without a word, and another goes on. */
  killed(): void {
    this.journal.close();
    ({ follower: this.follower, journal: this.journal } = this.follow());
  }

  /** The process ends in good order, and another goes on. */
  leaves(): void {
    this.follower.leave();
    this.killed();
  }

  /** The process ends when it is about to write such an event. */
  diesBefore(type: RunEvent['type']): void {
    this.last = type;
  }

  state(): RunState {
    const state = readRecorded(this.folder.path);
    assert.ok(state);
    return state;
  }

  step(name: string): StepProgress {
    const step = this.state().steps.find((one) => one.name === name);
    assert.ok(step, `no step ${name}`);
    return step;
  }

  steps(): string[] {
    return this.state().steps.map(({ name, state }) => `${name} ${state}`);
  }

  /** The events of a type, without when and of which run. */
  of(type: RunEvent['type']): object[] {
    return readEvents(path.join(this.folder.path, journalName))
      .filter((event) => event.type === type)
      .map(({ at: _at, run: _run, ...body }) => body);
  }

  log(step: string): string {
    return fs.readFileSync(path.join(this.folder.path, `${step}.log`), 'utf8');
  }

  private begin(): void {
    const { path: folder } = this.folder;
    this.service = new Service();
    this.reported = [];
    this.now = Date.parse('2026-11-24T10:00:00Z');
    const begin = new Journal(folder, 'run');
    begin.append({
      type: 'run-started',
      service: 'shop',
      change: { commit: 'a'.repeat(40), tree: '', subject: '', dirty: false },
      steps: shop.map(({ name }) => ({ name, needs: [], kind: 'run' })),
      ...{ runner, folder: '', repository: folder },
      engine: { name: 'gitlab', label: 'A service', place: 'acme/shop', id: '7', attempt: 1, branch: 'main' },
    });
    begin.close();
    ({ follower: this.follower, journal: this.journal } = this.follow());
  }

  private leave(): void {
    this.follower.leave();
    this.journal.close();
  }

  private follow(): { readonly follower: RunFollower; readonly journal: Journal } {
    const dies = (event: EventBody): boolean => this.last === event.type;
    const journal = new (class extends Journal {
      override append(body: EventBody): RunEvent {
        if (dies(body)) throw new Error('killed');
        return super.append(body);
      }
    })(this.folder.path, 'run');
    this.last = undefined;
    const follower = new RunFollower({
      ...{ engine: this.service.engine, state: this.state(), journal, steps: shop },
      mask: () => new Mask([]),
      asked: () => undefined,
      now: () => this.now,
      problems: {
        report: async ({ name }, { state }) => {
          this.reported.push(`${name} ${state}`);
          journal.append({ type: 'problem', step: name, severity: 'error', message: `${name} ${state}`, source: 'test' });
          return Promise.resolve([]);
        },
      },
    });
    return { follower, journal };
  }
}

export function job(name: string, state: RemoteJob['state'], more: Partial<RemoteJob> = {}): RemoteJob {
  const hasBegun = state !== 'waiting' && state !== 'skipped' && state !== 'kept';
  const started = hasBegun ? { startedAt: '2026-11-24T10:00:00.000Z' } : {};
  return { id: more.id ?? name, name, attempt: 1, state, hasLog: hasBegun, ...started, ...more };
}

export function passed(...names: readonly string[]): RemoteJob[] {
  return names.map((name) => job(name, 'passed'));
}

export function skipped(name: string): RemoteJob {
  return job(name, 'skipped');
}

function step(name: string, more: Partial<Step> = {}): Step {
  return { name, needs: [], outputs: [], env: {}, secrets: [], reports: [], retries: 0, ...more };
}
