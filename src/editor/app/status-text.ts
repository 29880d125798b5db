import { isFinished, type CiRunState, type RunState } from '../../core/model/run-state';
import { releasableOf } from '../../core/model/run-status';
import { connectionLabel } from '../ci/ci-rows';
import { runningWords } from '../pipeline/run-rows';
import { isOwn, type LiveEnvironment, type ServiceState } from './state';
import { age, joined, shortCommit } from '../../core/support/format';

/** What the status bar shows of one service. */
export interface StatusText {
  readonly text: string;
  /** Plain text. */
  readonly tooltip: string;
  readonly ariaLabel: string;
  readonly look: 'plain' | 'failed';
  /** The key of the service that it is about. */
  readonly service: string;
  /** What a click does. */
  readonly click: 'deliver.deliver' | 'deliver.showRun' | 'deliver.environments.focus';
  /** It changes by itself while time passes. */
  readonly ticks: boolean;
}

/** The item for the service it is about, if there is one; `several` adds its name, which would else be noise. */
export function statusText(
  service: ServiceState | undefined,
  several: boolean,
  now: number,
  environments: readonly LiveEnvironment[] = [],
): StatusText | undefined {
  return service && { ...contentOf(service, several, now, environments), service: service.key };
}

type Content = Omit<StatusText, 'service'>;

function contentOf(service: ServiceState, several: boolean, now: number, environments: readonly LiveEnvironment[]): Content {
  const of = several ? `${service.name} ` : '';
  const own = service.runs.filter(isOwn);
  const live = own.find((run) => run.outcome === 'running') ?? own.find((run) => !isFinished(run.outcome));
  const waiting = service.autoDelivery?.waiting;
  if (live) return withNext(liveText(service.name, live, now), service, live);
  if (service.starting) return busy(`${service.name}: starting`, `A delivery of ${service.name} is about to start.`);
  if (waiting)
    return idle(
      `$(clock) ${of}${shortCommit(waiting.commit)} waits`,
      `Commit ${shortCommit(waiting.commit)} of ${service.name} is not delivered yet: ${waiting.why}.`,
      'deliver.showRun',
    );
  return illText(service, environments) ?? restText(service, of, now);
}

/** What is live does not work: whatever was delivered last, customers see that. */
function illText({ name }: ServiceState, environments: readonly LiveEnvironment[]): Content | undefined {
  for (const environment of environments)
    for (const { service, state, reason } of environment.services) {
      if (service !== name || state !== 'unhealthy') continue;
      const what = `${name} is unhealthy in ${environment.name}`;
      return { ...idle(`$(warning) ${what}`, joined([what, reason], ': '), 'deliver.environments.focus'), look: 'failed' };
    }
  return undefined;
}

function restText(service: ServiceState, of: string, now: number): Content {
  const releasable = releasableOf(service.runs);
  const told = service.runs.some((run) => run.outcome === 'passed' || run.outcome === 'failed');
  if (!told || service.changed) {
    const before = told
      ? `Changes since the last delivery; it ${releasable.yes ? 'passed' : `failed: ${releasable.reason}`}.`
      : 'Nothing was delivered yet.';
    const verb = service.autoDelivery ? `Delivers each ${service.autoDelivery.on}` : 'Deliver';
    const what = of === '' ? verb : service.autoDelivery ? `${service.name}: ${verb.toLowerCase()}` : `${verb} ${service.name}`;
    return idle(`$(rocket) ${what}`, joined([`Deliver ${service.name}`, before, byItselfWords(service)], '\n'), 'deliver.deliver');
  }
  const since = releasable.since ? ` since ${age(releasable.since, now)}` : '';
  if (releasable.yes)
    return idle(
      `$(pass) ${of}releasable`,
      joined([`${service.name} is releasable${since}: ${shortCommit(releasable.commit ?? '')} passed.`, byItselfWords(service)], '\n'),
      'deliver.showRun',
    );
  const why = releasable.reason ?? 'the last delivery failed';
  return {
    ...idle(
      `$(error) ${of}not releasable: ${why}`,
      joined([`${service.name} is not releasable${since}: ${why}.`, byItselfWords(service)], '\n'),
      'deliver.showRun',
    ),
    look: 'failed',
  };
}

/** That there is more to come than what a click asks for. */
function byItselfWords({ autoDelivery }: ServiceState): string | undefined {
  return autoDelivery && `Each ${autoDelivery.on} is delivered by itself; a click delivers the working tree.`;
}

/** With what is delivered after the run that goes on. */
function withNext(content: Content, service: ServiceState, live: RunState): Content {
  const queued = service.runs.find((run) => run.outcome === 'waiting' && run.id !== live.id);
  const waiting = service.autoDelivery?.waiting;
  const next = [
    queued && `then: ${queued.change.subject}`,
    waiting && `${shortCommit(waiting.commit)} is not delivered yet: ${waiting.why}`,
  ];
  return { ...content, tooltip: joined([content.tooltip, ...next], '\n') };
}

function liveText(service: string, run: RunState, now: number): Content {
  if (run.outcome === 'waiting' && run.handedTo !== undefined)
    return busy(`${service}: handing over`, `${run.change.subject}\nIt is being handed over to ${run.handedTo}.`);
  if (run.outcome === 'waiting') return busy(`${service}: waiting`, `The delivery of ${service} waits for the one before it.`);
  if (run.engine?.heard && run.engine.heard.state !== 'slow') return awayText(service, run, run.engine, now);
  const running = run.steps.filter((step) => step.state === 'running');
  const done = run.steps.filter((step) => step.state !== 'waiting' && step.state !== 'running').length;
  const [first] = running;
  const progress = `${done} of ${run.steps.length} steps done`;
  if (!first) return busy(`${service}: ${done === 0 ? 'preparing' : 'finishing'}`, `${run.change.subject}\n${progress}`);
  const more = running.length > 1 ? ` (+${running.length - 1})` : '';
  const words = joined([`${first.name}${more}`, steady(runningWords(first, now))], ' ');
  return busy(
    `${service}: ${words}`,
    joined([run.change.subject, progress, `running: ${running.map((step) => step.name).join(', ')}`], '\n'),
  );
}

/** What is known of the run may be old: nothing turns. */
function awayText(service: string, { change }: RunState, { label, heard, toldAt }: CiRunState, now: number): Content {
  const what = heard?.state === 'unfollowed' ? 'nothing follows its run' : (heard?.message ?? `${label} does not answer`);
  const tooltip = joined([change.subject, what, heard?.hint, `told ${age(toldAt, now)}`], '\n');
  const words = connectionLabel(label, heard ?? { state: 'unfollowed' });
  return { ...idle(`$(debug-disconnect) ${service}: ${words}`, tooltip, 'deliver.showRun'), ticks: true };
}

/** Of the same width from one second to the next, as far as digits go. */
function steady(words: string): string {
  return words.replace('about ', '~').replace(/^\d s/, (seconds) => `\u2007${seconds}`);
}

function busy(text: string, tooltip: string): Content {
  return { text: `$(sync~spin) ${text}`, tooltip, ariaLabel: `Delivering ${text}`, look: 'plain', click: 'deliver.showRun', ticks: true };
}

function idle(text: string, tooltip: string, click: StatusText['click']): Content {
  return { text, tooltip, ariaLabel: text.replace(/\$\([^)]*\) /, ''), look: 'plain', click, ticks: false };
}
