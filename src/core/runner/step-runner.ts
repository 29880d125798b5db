import * as fs from 'node:fs';
import type { Environment, Promoted } from '../environments/environment';
import type { Claim } from '../environments/owner';
import { readTail } from '../support/file-tail';
import { listFiles } from '../support/globs';
import { Mask } from '../support/masking';
import type { Pipeline, Step } from '../model/pipeline';
import type { Fingerprint, StepCache } from './cache';
import type { Change, EventBody, ProblemFound, Release, StepFinished, StepState } from '../model/events';
import type { Journal } from '../history/journal';
import { envFileAdvice, type EnvFiles } from './env-file';
import { failureReason, timeoutReason } from './failure-reason';
import { appendText } from '../support/files';
import { logFile } from '../support/home';
import { unmatchedText } from './outputs';
import type { OutputPipes } from '../process/output-pipe';
import type { ProblemReporter } from '../logs/problem-reporter';
import { releaseOutput } from './release-output';
import type { ReportStamps } from '../logs/reports';
import { runCommand, type CommandEnd } from '../process/command';
import type { RunState } from '../model/run-state';
import { stepEnvironment, type StepLocation } from '../process/step-environment';
import { ToolCheck } from './tool-check';
import type { ReleaseGuard } from './verification';

/** The context that all steps of a run share. */
export interface StepContext {
  readonly run: string;
  readonly pipeline: Pipeline;
  readonly change: Change;
  readonly around: StepLocation;
  readonly base: NodeJS.ProcessEnv;
  /** The variables that all steps share. */
  readonly shared: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly keys: ReadonlyMap<string, string>;
  readonly cache: StepCache;
  readonly journal: Journal;
  readonly pipes: OutputPipes;
  readonly environments: ReadonlyMap<string, Environment>;
  readonly envFiles: EnvFiles;
  readonly claims: ReadonlyMap<string, Claim>;
  readonly siblings: readonly string[];
  /** Returns the name of the person that delivers. */
  readonly deliverer: () => Promise<string>;
  readonly promotes?: Promoted;
  readonly verification: ReleaseGuard;
  readonly problems: ProblemReporter;
  /** The run that is resumed; absent if the slot no longer has its files. */
  readonly resumed?: RunState;
  readonly signal: AbortSignal;
}

type Ending = Omit<StepFinished, 'type' | 'at' | 'run' | 'step' | 'durationMs'>;

/** The size of the end of a log that is searched for a cause, in bytes. */
const tailBytes = 64 * 1024;

/** Executes single steps: from the cache, as a command or as a deployment. The journal records each end. */
export class StepRunner {
  /** The addresses of deployed environments, for the steps that verify them. */
  private readonly addresses = new Map<string, string>();

  /** True if a command was started, which may have left processes behind. */
  hasRun = false;

  private readonly tools: ToolCheck;

  constructor(private readonly context: StepContext) {
    this.tools = new ToolCheck(context.base, context.around, (message) => context.journal.append({ type: 'notice', message }));
  }

  async execute(step: Step): Promise<StepState> {
    const { signal } = this.context;
    if (signal.aborted) return this.finish(step, Date.now(), { state: 'cancelled' });
    const began = Date.now();
    const refusal = this.context.cache.refusal(step);
    if (refusal !== undefined) return this.finish(step, began, { state: 'failed', reason: refusal });
    const done = await this.alreadyDone(step);
    if (done) return this.finish(step, began, done);
    const missing = await this.withoutProgram(step);
    const end = missing ?? (step.deploy === undefined ? await this.command(step) : await this.deploy(step, step.deploy));
    const state = this.finish(step, began, end);
    await this.context.verification.ended(step, state);
    return state;
  }

  private async withoutProgram(step: Step): Promise<Ending | undefined> {
    const reason = await this.tools.refusal(step, this.context.pipeline);
    return reason === undefined ? undefined : { state: 'failed', reason };
  }

  /** Records a step that never runs because `need` did not pass. */
  skip(step: Step, need: string): void {
    const reason = this.context.signal.aborted ? 'the delivery was cancelled' : `${need} did not pass`;
    this.finish(step, Date.now(), { state: 'skipped', reason });
  }

  private async alreadyDone(step: Step): Promise<Ending | undefined> {
    const { keys, cache, resumed, journal } = this.context;
    const key = keys.get(step.name);
    const kept = key === undefined ? undefined : await cache.recall(step.name, key, step.outputs);
    if (kept) {
      for (const problem of kept.problems ?? []) journal.append({ type: 'problem', step: step.name, ...problem });
      return { state: 'cached', ...(fs.existsSync(kept.log) && { log: kept.log }), reason: `same inputs as run ${kept.run}` };
    }
    const before = resumed?.steps.find((other) => other.name === step.name);
    const stands = before && before.kind === 'run' && (before.state === 'passed' || before.state === 'cached');
    if (!stands) return undefined;
    cache.note(step.name, step.outputs);
    for (const problem of before.problems) journal.append(repeated(problem));
    return { state: 'cached', ...(before.log !== undefined && { log: before.log }), reason: `it passed in run ${resumed?.id}` };
  }

  private async command(step: Step): Promise<Ending> {
    const { cache, journal, keys, run, problems } = this.context;
    const log = this.logOf(step);
    const key = keys.get(step.name);
    cache.forget(step.name);
    for (let attempt = 1; ; attempt++) {
      const removed = key === undefined ? undefined : cache.begin(step.name, step.outputs);
      if (removed?.ok === false) return { state: 'failed', reason: removed.failure.message };
      const before = await this.stampReports(step);
      const from = fs.statSync(log, { throwIfNoEntry: false })?.size ?? 0;
      const tell = (process: Parameters<Parameters<typeof runCommand>[0]['started']>[0]): void => {
        journal.append({ type: 'step-started', step: step.name, attempt, ...(process && { process }) });
      };
      const end = await this.runOnce(step, log, tell);
      const ending = this.endingOf(step, end, log, from);
      if (ending.state === 'failed' && attempt <= step.retries) {
        appendText(log, `\n--- attempt ${attempt} of ${step.retries + 1} failed${ending.reason ? `: ${ending.reason}` : ''} ---\n`);
        continue;
      }
      if (ending.state === 'failed') await this.appendReleaseLog(step, log);
      const reported = await problems.report(step, { ...ending, log, from, ...(before && { before }) });
      if (ending.state === 'passed') {
        const refusal = cache.refusal(step);
        if (refusal !== undefined) return { ...ending, state: 'failed', reason: refusal, log };
        await this.keep(step, { key, run, log, problems: reported });
      }
      return { ...ending, log, ...(ending.state === 'passed' && attempt > 1 && { flaky: true }) };
    }
  }

  /** Stores a step that passed, and reports globs that match nothing. */
  private async keep(step: Step, { key, ...passed }: Omit<Fingerprint, 'key' | 'outputs'> & { readonly key?: string }): Promise<void> {
    const { cache, journal, around } = this.context;
    const notice = (message: string): unknown => journal.append({ type: 'notice', step: step.name, message });
    if (step.reports.length > 0 && listFiles(around.folder, step.reports).length === 0) {
      notice(`${step.name} is not cached: ${unmatchedText('reports', step.reports)}`);
    } else if (key !== undefined) {
      const reason = await cache.keep(step.name, { ...passed, key }, step.outputs);
      if (reason !== undefined) notice(reason);
      return;
    }
    cache.note(step.name, step.outputs);
  }

  private async stampReports({ reports }: Step): Promise<ReportStamps | undefined> {
    return reports.length === 0 ? undefined : (await import('../logs/reports')).stampReports(this.context.around.folder, reports);
  }

  private async runOnce(step: Step, log: string, started: Parameters<typeof runCommand>[0]['started']): Promise<CommandEnd> {
    this.hasRun = true;
    const { run, base, shared, around, secrets, pipes, signal } = this.context;
    const verified: Record<string, string> =
      step.verifies === undefined ? {} : { DELIVERY_ENVIRONMENT: step.verifies, DELIVERY_URL: this.addressOf(step.verifies) };
    return runCommand({
      run,
      step: step.name,
      line: step.run ?? '',
      folder: around.folder,
      env: stepEnvironment(shared, step, base, verified),
      log,
      mask: new Mask(Object.values(secrets)),
      ...(step.timeoutMs !== undefined && { timeoutMs: step.timeoutMs }),
      signal,
      pipes,
      started,
    });
  }

  /** Appends the output of the release that the step could not verify: it often holds the cause, and the release is rolled back. */
  private async appendReleaseLog({ verifies }: Step, log: string): Promise<void> {
    const environment = verifies === undefined ? undefined : this.context.environments.get(verifies);
    if (!environment || !this.addresses.has(environment.name)) return;
    const { pipeline, secrets } = this.context;
    const output = await releaseOutput(environment, pipeline.service);
    if (output !== '') fs.appendFileSync(log, new Mask(Object.values(secrets)).text(output));
  }

  private addressOf(environment: string): string {
    return this.addresses.get(environment) ?? this.context.verification.addressOf?.(environment) ?? '';
  }

  private async deploy(step: Step, name: string): Promise<Ending> {
    const { journal, environments, change, run, pipeline, around, secrets, siblings, signal, verification, promotes } = this.context;
    const environment = environments.get(name);
    if (!environment) throw new Error(`the environment ${name} was not opened`);
    const claim = this.context.claims.get(name);
    const log = this.logOf(step);
    const mask = new Mask(Object.values(secrets));
    const unwritable = new AbortController();
    const write = (line: string): void => {
      try {
        appendText(log, `${mask.text(line)}\n`);
      } catch (error) {
        unwritable.abort(error); // the callers are event handlers, which must not throw
      }
    };
    fs.writeFileSync(log, '');
    journal.append({ type: 'step-started', step: step.name, attempt: 1 });
    const release: Release = {
      id: run,
      commit: change.commit,
      tree: change.tree,
      deployedAt: new Date().toISOString(),
      subject: change.subject,
      dirty: change.dirty,
      by: await this.context.deliverer(),
    };
    const declared = Object.fromEntries(
      step.secrets.flatMap((secret) => (secrets[secret] === undefined ? [] : [[secret, secrets[secret]]])),
    );
    const request = {
      service: pipeline.service,
      release,
      folder: around.folder,
      slot: around.slot,
      siblings,
      journal: journal.folder,
      ...(claim && { claim }),
      ...(pipeline.release === name && { isProduction: true as const }),
      ...(verification.owner && { owner: verification.owner }),
      secrets: { ...this.context.envFiles.of(name), ...declared },
      ...(promotes && { promotes }),
    };
    const deployed = await environment.deploy(request, write, AbortSignal.any([limited(signal, step.timeoutMs), unwritable.signal]));
    unwritable.signal.throwIfAborted();
    if (!deployed.ok) {
      const { kind, message } = deployed.failure;
      if (kind === 'cancelled' && signal.aborted) return { state: 'cancelled', log };
      const reason = kind === 'cancelled' ? timeoutReason(step) : mask.text(message) + envFileAdvice(pipeline, name, around);
      write(reason);
      const state = signal.aborted ? 'cancelled' : 'failed';
      await this.context.problems.report(step, { state, log, from: 0, reason });
      return { state, log, reason };
    }
    const { url, release: live, previous } = deployed.value;
    this.addresses.set(name, url);
    journal.append({ type: 'deployed', environment: name, service: pipeline.service, url, release: live, ...(previous && { previous }) });
    await verification.deployed(environment, live, previous);
    return { state: 'passed', log };
  }

  private finish(step: Step, began: number, ending: Ending): StepState {
    this.context.journal.append({ type: 'step-finished', step: step.name, ...ending, durationMs: Date.now() - began });
    return ending.state;
  }

  private endingOf(step: Step, end: CommandEnd, log: string, from: number): Ending {
    const facts = {
      ...(end.exitCode !== undefined && { exitCode: end.exitCode }),
      ...(end.signal !== undefined && { signal: end.signal }),
    };
    if (end.error === undefined && end.ended !== 'timeout') {
      const left = end.left === undefined ? {} : { reason: end.left };
      if (this.context.signal.aborted) return { state: 'cancelled', ...facts, ...left };
      if (end.exitCode === 0) return { state: 'passed', ...facts, ...left };
    }
    const reason = failureReason(step, end, readTail(log, tailBytes, from));
    return { state: 'failed', ...facts, ...(reason !== undefined && { reason }) };
  }

  private logOf(step: Step): string {
    return logFile(this.context.journal.folder, step.name);
  }
}

function limited(signal: AbortSignal, timeoutMs: number | undefined): AbortSignal {
  return timeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
}

/** Returns a problem of an earlier run as an event of this run. */
function repeated({ at, run, ...problem }: ProblemFound): EventBody {
  void [at, run];
  return problem;
}
