import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import type { PlainLog, RemoteEngine, RemoteFailure, RemoteJob, RemoteRun } from '../../../../../src/core/engines/remote/remote-engine';
import { RunFollower, type Look } from '../../../../../src/core/engines/remote/run-follower';
import { Mask } from '../../../../../src/core/logs/masking';
import type { Step } from '../../../../../src/core/pipeline/pipeline';
import type { EventBody, RunEvent } from '../../../../../src/core/run/events';
import { Journal, journalName, readEvents } from '../../../../../src/core/run/journal';
import { readRecorded } from '../../../../../src/core/run/runs';
import type { RunState, StepProgress } from '../../../../../src/core/run/state';

const runner = { pid: 1, startedAt: 'of the test' };

/** A CI service as a test says that it is. */
export class Service {
  /** Instead of the run. */
  fails: RemoteFailure | undefined;
  /** Instead of a log. */
  logs: RemoteFailure | undefined;
  private run: Pick<RemoteRun, 'state' | 'jobs'> = { state: 'waiting', jobs: [] };
  /** By the ids of jobs. */
  private readonly printed = new Map<string, string>();

  tells(run: { readonly state: RemoteRun['state']; readonly jobs: readonly RemoteJob[] }): void {
    this.run = run;
  }

  prints(job: string, text: string): void {
    this.printed.set(job, (this.printed.get(job) ?? '') + text);
  }

  get engine(): RemoteEngine {
    const none = (): never => assert.fail('it is not asked for this');
    const facts = { id: '7', attempt: 1, url: 'https://ci.example.com/7', branch: 'main', commit: 'a'.repeat(40), subject: '' };
    return {
      ...{ name: 'gitlab', label: 'A service', host: 'https://ci.example.com', place: 'acme/shop', logs: 'live', reruns: 'failed jobs' },
      ...{ check: none, start: none, list: none, problems: none, cancel: none, rerun: none, approve: none, deployments: none },
      allowance: undefined,
      read: async () =>
        Promise.resolve(this.fails ?? { state: 'told', value: { ...facts, createdAt: '2026-11-24T10:00:00.000Z', ...this.run } }),
      readLog: async (_, { id, state }, from, write) => {
        if (this.logs) return Promise.resolve(this.logs);
        const bytes = Buffer.from(this.printed.get(id) ?? '').subarray(from);
        if (bytes.length > 0) write(bytes);
        return Promise.resolve({ state: 'told', value: { isWhole: state !== 'running' } });
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

/** A run that is followed in a folder of the test, by one process after the other. */
export class FollowedHere {
  readonly service = new Service();
  /** What was searched for problems. */
  readonly reported: string[] = [];
  private now = Date.parse('2026-11-24T10:00:00Z');
  private follower: RunFollower;
  private journal: Journal;
  private last: RunEvent['type'] | undefined;

  constructor(
    private readonly folder: string,
    private readonly planned: readonly Step[],
  ) {
    const begin = new Journal(folder, 'run');
    begin.append({
      type: 'run-started',
      service: 'shop',
      change: { commit: 'a'.repeat(40), tree: '', subject: '', dirty: false },
      steps: planned.map(({ name }) => ({ name, needs: [], kind: 'run' })),
      ...{ runner, folder: '', repository: folder },
      engine: { name: 'gitlab', label: 'A service', place: 'acme/shop', id: '7', attempt: 1, branch: 'main' },
    });
    begin.close();
    ({ follower: this.follower, journal: this.journal } = this.follow());
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
    const state = readRecorded(this.folder);
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
    return readEvents(path.join(this.folder, journalName))
      .filter((event) => event.type === type)
      .map(({ at: _at, run: _run, ...body }) => body);
  }

  close(): void {
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
    })(this.folder, 'run');
    this.last = undefined;
    const follower = new RunFollower({
      ...{ engine: this.service.engine, state: this.state(), journal, steps: this.planned },
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
