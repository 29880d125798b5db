import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import type { CiClient } from '../../../src/core/ci/ci-client';
import { RunFollower, type Look } from '../../../src/core/ci/follow/run-follower';
import { Mask } from '../../../src/core/support/masking';
import type { EventBody, RunEvent } from '../../../src/core/model/events';
import { Journal } from '../../../src/core/history/journal';
import { logFile } from '../../../src/core/support/home';
import { readRecorded } from '../../../src/core/history/runs';
import { isFinished, type RunState } from '../../../src/core/model/run-state';
import type { Random } from '../random';
import type { FaultyAnswers } from './faulty-answers';
import type { RandomScript } from './random-script';
import type { ScriptedJob } from './scripted-runs';

/** A CI service of the tests for one round. */
export interface RoundEngine {
  readonly name: 'github' | 'gitlab' | 'jenkins';
  /** Opens a client as a new process does, without memory. */
  readonly open: () => CiClient;
  /** The run's id on the CI service. */
  readonly id: string;
}

export interface Round {
  readonly folder: string;
  readonly random: Random;
  readonly engine: RoundEngine;
  readonly script: RandomScript;
  readonly faults: FaultyAnswers;
  readonly trace: (line: string) => void;
}

const never = new AbortController().signal;
const process = { pid: 1, startedAt: 'of the test' };
/** Every run ends within this number of looks once all requests are answered. */
const mostLooks = 80;

class Killed extends Error {}

/** A journal whose process may be killed before or after a write. */
class MortalJournal extends Journal {
  left = Infinity;

  override append(body: EventBody): RunEvent {
    if (this.left-- <= 0) throw new Killed();
    return super.append(body);
  }
}

/** Follows one run from its start to its end, and verifies that each recorded event is true. */
export class FollowedRound {
  private now = Date.now();
  /** Returns the attempts of each step in the journal. */
  private readonly attempts = new Map<string, number[]>();
  private readonly finished = new Set<string>();

  constructor(private readonly round: Round) {}

  async run(): Promise<void> {
    const { random, script, faults } = this.round;
    this.begin();
    let { follower, journal } = this.follow();
    faults.probability = random.one([0.05, 0.2, 0.4]);
    // The run also changes between two answers of one look.
    faults.asked = () => {
      this.now += 100;
      if (random.happens(0.1)) script.step();
    };
    let isOver = false;
    for (let looks = 0; !isOver; looks++) {
      if (looks === 12 || script.isOver) faults.probability = random.happens(0.3) ? 0 : faults.probability;
      if (faults.probability === 0) break;
      while (random.happens(0.6)) script.step();
      // A process that never saw the earlier job cannot know its log.
      const mayDie = !script.retries;
      if (mayDie && random.happens(0.15)) journal.left = random.below(4);
      this.now += random.happens(0.03) ? random.below(5) * 3_600_000 : 2000;
      try {
        const look = await follower.look(never);
        this.looked(look);
        ({ isOver } = look);
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        journal.left = 0;
      }
      if (isOver || (journal.left > 0 && !(mayDie && random.happens(0.1)))) continue;
      this.round.trace('the process is killed');
      follower.leave();
      journal.close();
      if (isFinished(readRecorded(this.round.folder)?.outcome ?? 'waiting')) break;
      ({ follower, journal } = this.follow());
    }
    faults.probability = 0;
    journal.left = Infinity;
    for (let looks = 0; !isOver && !this.isTold; looks++) {
      assert.ok(looks < mostLooks, `after ${mostLooks} looks the run is not told to its end`);
      script.step();
      this.now += 5000;
      const look = await follower.look(never);
      this.looked(look);
      ({ isOver } = look);
    }
    journal.close();
    this.compare();
  }

  private get isTold(): boolean {
    return isFinished(readRecorded(this.round.folder)?.outcome ?? 'waiting');
  }

  private looked({ failure, isOver }: Look): void {
    this.round.trace(`looked${isOver ? ', it is over' : ''}${failure ? `: ${failure.message}` : ''}`);
  }

  private begin(): void {
    const { folder, script, engine } = this.round;
    const journal = new Journal(folder, 'round');
    const { commit, branch } = script.run;
    const there = { name: engine.name, label: engine.name, place: 'acme/shop', id: engine.id, attempt: 1, branch };
    journal.append({
      type: 'run-started',
      service: 'shop',
      change: { commit, tree: '', subject: '', dirty: false },
      steps: script.run.jobs.map(({ name, needs }) => ({ name, needs, kind: 'run' })),
      runner: process,
      folder: '',
      repository: folder,
      engine: there,
    });
    journal.close();
  }

  /** Continues with the journal, as a new process does. */
  private follow(): { readonly follower: RunFollower; readonly journal: MortalJournal } {
    const { folder, engine } = this.round;
    const journal = new MortalJournal(folder, 'round', (event) => this.told(event));
    journal.append({ type: 'run-followed', runner: process });
    const state = readRecorded(folder);
    assert.ok(state);
    const follower = new RunFollower({
      ...{ client: engine.open(), state, journal, steps: [] },
      mask: () => new Mask([]),
      setProblemSource: () => undefined,
      now: () => this.now,
      problems: {
        report: async ({ name }, { state: how }) => {
          const found = ['first', 'second'].map((message) => ({
            severity: 'error' as const,
            message: `${how} ${message}`,
            source: 'test',
          }));
          for (const one of found) journal.append({ type: 'problem', step: name, ...one });
          return Promise.resolve(found);
        },
      },
    });
    return { follower, journal };
  }

  /** Verifies that nothing is recorded before it is true. */
  private told(event: RunEvent): void {
    const { script, trace } = this.round;
    trace(`told: ${JSON.stringify({ ...event, at: undefined, run: undefined })}`);
    if (event.type === 'step-started') {
      const { step, attempt } = event;
      assert.ok(this.job(step, attempt).startedAt, `${step} is told as started and has not`);
      assert.ok(!this.finished.has(`${step} ${attempt}`), `${step} is told as started after its end`);
      const before = this.attempts.get(step) ?? [];
      assert.ok(
        before.every((one) => one <= attempt),
        `${step} is told to go back to an attempt before`,
      );
      this.attempts.set(step, [...new Set([...before, attempt])]);
    }
    if (event.type === 'step-finished') {
      const { step, state } = event;
      const latest = script.run.job(step);
      const known = this.attempts.get(step)?.at(-1) ?? 0;
      // An attempt that ended before it started has only an end event.
      const attempt = known > 0 && latest.attempt > known && !latest.startedAt && state === 'cancelled' ? latest.attempt : known;
      assert.ok(!this.finished.has(`${step} ${attempt}`), `the end of ${step} is told twice`);
      this.finished.add(`${step} ${attempt}`);
      if (!(state === 'skipped' && attempt === 0 && script.wereSkipped.has(step))) this.isTrue(step, attempt, state);
    }
    if (event.type === 'step-found') assert.fail(`a step ${event.step.name} was found that is none`);
    if (event.type === 'notice') assert.fail(`a notice: ${event.message}`);
    if (event.type === 'run-finished') assert.equal(event.outcome, script.run.state, 'the outcome of the run');
  }

  /** Returns the job of an attempt; the latest one if it never started. */
  private job(step: string, attempt: number): ScriptedJob {
    const { run } = this.round.script;
    return run.allJobs.find((job) => job.name === step && job.attempt === attempt) ?? run.job(step);
  }

  private isTrue(step: string, attempt: number, told: string): void {
    const { run } = this.round.script;
    const job = this.job(step, attempt);
    const wasNeverRun = job.startedAt === undefined && (run.isCancelled || run.isSkipped(job) || run.finishedAt !== undefined);
    const truth = wasNeverRun && job.state !== 'running' ? ['skipped', ...(run.isCancelled ? ['cancelled'] : [])] : [job.state];
    assert.ok(truth.includes(told), `${step} is told as ${told} while it is ${job.state}`);
  }

  private compare(): void {
    const { folder, script } = this.round;
    const state = readRecorded(folder) as RunState;
    assert.equal(state.outcome, script.run.state);
    assert.equal(state.steps.length, script.run.jobs.length);
    for (const step of state.steps) {
      const job = script.run.job(step.name);
      const hasBegun = job.attempt === 1 || job.startedAt !== undefined;
      if (step.attempt > 0 && hasBegun) assert.equal(step.attempt, job.attempt, `the attempt of ${step.name}`);
      this.isTrue(step.name, job.attempt, step.state);
      assert.equal(step.flaky, step.state === 'passed' && job.attempt > 1, `whether ${step.name} is flaky`);
      const file = logFile(folder, step.name);
      const log = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
      const printed = this.printed(step.name);
      assert.ok(log.equals(printed), `the log of ${step.name} is ${shown(log)} and should be ${shown(printed)}`);
      const hasProblems = step.state === 'passed' || step.state === 'failed';
      if (hasBegun) assert.equal(step.problems.length, hasProblems && step.log !== undefined ? 2 : 0, `problems of ${step.name}`);
    }
  }

  /** Returns the output of all recorded attempts, with a separator between two. */
  private printed(step: string): Buffer {
    let log: Buffer = Buffer.alloc(0);
    let before: number | undefined;
    for (const attempt of this.attempts.get(step) ?? []) {
      const between = log.length === 0 ? '' : `\n--- attempt ${before ?? 0} failed ---\n`;
      log = Buffer.concat([log, Buffer.from(between), this.job(step, attempt).log]);
      before = attempt;
    }
    return log;
  }
}

function shown(log: Buffer): string {
  const text = log.toString('latin1');
  return `${log.length} bytes ${JSON.stringify(text.length > 300 ? `${text.slice(0, 150)} … ${text.slice(-150)}` : text)}`;
}
