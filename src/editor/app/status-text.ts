import { isFinished, type CiRunState, type RunState } from '../../core/model/run-state';
import { releasableOf } from '../../core/model/run-status';
import { age, counted, joined, shortCommit } from '../../core/support/format';
import { connectionLabel, connectionMessage, updatedAt, type Connection } from '../ci/ci-rows';
import { runningText } from '../pipeline/run-rows';
import { isStartedHere, type LiveEnvironment, type ServiceState } from './state';

/** The content of the status bar item for one service. */
export interface StatusText {
  readonly text: string;
  /** Plain text. */
  readonly tooltip: string;
  readonly ariaLabel: string;
  readonly look: 'plain' | 'failed';
  /** The key of the service. */
  readonly service: string;
  /** The command that a click runs. */
  readonly click: 'deliver.deliver' | 'deliver.showRun' | 'deliver.revealStep' | 'deliver.environments.focus';
  readonly links?: readonly StatusLink[];
  /** The text changes as time passes. */
  readonly ticks: boolean;
}

/** A command below the tooltip. */
export interface StatusLink {
  readonly label: 'Open Log' | 'Cancel' | 'Go to Failure' | 'Open Service';
  readonly command: string;
}

const openLog: StatusLink = { label: 'Open Log', command: 'deliver.openLog' };
const cancel: StatusLink = { label: 'Cancel', command: 'deliver.cancel' };
const goToFailure: StatusLink = { label: 'Go to Failure', command: 'deliver.openProblem' };
const openService: StatusLink = { label: 'Open Service', command: 'deliver.openService' };

type Content = Omit<StatusText, 'service'>;

/** The tooltip has all of a longer reason. */
const maxReason = 40;

/** Returns the status of a service. `several` adds the service's name: with one service it would be noise. */
export function statusText(
  service: ServiceState | undefined,
  several: boolean,
  now: number,
  environments: readonly LiveEnvironment[] = [],
): StatusText | undefined {
  return service && { ...contentOf(service, several, now, environments), service: service.key };
}

function contentOf(service: ServiceState, several: boolean, now: number, environments: readonly LiveEnvironment[]): Content {
  const prefix = several ? `${service.name} ` : '';
  const runs = service.runs.filter(isStartedHere);
  const live = runs.find((run) => run.outcome === 'running') ?? runs.find((run) => !isFinished(run.outcome));
  const waiting = service.autoDelivery?.waiting;
  if (live) return withNext(liveContent(service.name, live, now), service, live);
  if (service.starting) return busy(`${service.name}: starting`, `A delivery of ${service.name} is starting.`);
  if (waiting)
    return idle(
      `$(clock) ${prefix}${shortCommit(waiting.commit)} is waiting`,
      `Commit ${shortCommit(waiting.commit)} of ${service.name} is not delivered yet: ${waiting.reason}.`,
      'deliver.showRun',
    );
  return unhealthyContent(service, environments) ?? definitionContent(service, prefix) ?? restContent(service, prefix, now);
}

/** Customers see an unhealthy service, whatever was delivered last. */
function unhealthyContent({ name }: ServiceState, environments: readonly LiveEnvironment[]): Content | undefined {
  for (const environment of environments)
    for (const { service, state, reason } of environment.services) {
      if (service !== name || state !== 'unhealthy') continue;
      const message = `${name} is unhealthy in ${environment.name}`;
      return { ...idle(`$(warning) ${message}`, joined([message, reason], ': '), 'deliver.environments.focus'), look: 'failed' };
    }
  return undefined;
}

/** With an invalid `delivery.yaml`, nothing can be delivered. */
function definitionContent({ name, definitionErrors: [error, ...more] = [] }: ServiceState, prefix: string): Content | undefined {
  if (!error) return undefined;
  const others = more.length > 0 ? `and ${counted(more.length, 'more error')}` : undefined;
  const tooltip = joined([`${name} cannot be delivered.`, `delivery.yaml:${error.line ?? 1}: ${error.message}`, others], '\n');
  return { ...idle(`$(error) ${prefix}delivery.yaml is invalid`, tooltip, 'deliver.revealStep'), look: 'failed' };
}

function restContent(service: ServiceState, prefix: string, now: number): Content {
  const { name, autoDelivery, runs, changed } = service;
  const { yes, commit, since, reason } = releasableOf(runs);
  const isDelivered = runs.some((run) => run.outcome === 'passed' || run.outcome === 'failed');
  const automatic = autoDelivery && `Every ${autoDelivery.on} is delivered automatically.`;
  if (!isDelivered || changed) {
    const last = isDelivered
      ? `Changed since the last delivery, which ${yes ? 'passed' : `failed: ${reason}`}.`
      : 'Nothing is delivered yet.';
    const verb = autoDelivery ? `Delivers every ${autoDelivery.on}` : 'Deliver';
    const label = prefix === '' ? verb : autoDelivery ? `${name}: ${verb.toLowerCase()}` : `${verb} ${name}`;
    const click = automatic && `${automatic} Click to deliver the working tree.`;
    return idle(`$(rocket) ${label}`, joined([`Deliver ${name}`, last, click], '\n'), 'deliver.deliver');
  }
  if (yes) {
    const passed = `${shortCommit(commit ?? '')} passed`;
    const tooltip = since ? `${name} became releasable ${age(since, now)}: ${passed}.` : `${name} is releasable: ${passed}.`;
    const links = runs.some(({ deployments }) => deployments.some(({ url }) => url !== '')) ? [openLog, openService] : [openLog];
    return { ...idle(`$(pass) ${prefix}releasable`, joined([tooltip, automatic], '\n'), 'deliver.showRun'), links };
  }
  const why = reason ?? 'the last delivery failed';
  const failed = runs.find(({ outcome }) => outcome === 'failed')?.steps.filter(({ state }) => state === 'failed') ?? [];
  const names = failed.length > 2 ? `Failed: ${failed.map((step) => step.name).join(', ')}` : undefined;
  const tooltip = `${name} is not releasable: ${why}${since ? ` (${age(since, now)})` : ''}.`;
  const text = `$(error) ${prefix}not releasable: ${why.length > maxReason ? `${why.slice(0, maxReason - 1)}…` : why}`;
  const links = failed.length > 0 ? [goToFailure, openLog] : [];
  return { ...idle(text, joined([tooltip, names, automatic], '\n'), 'deliver.showRun'), look: 'failed', links };
}

/** Adds the delivery that follows the live run to the tooltip. */
function withNext(content: Content, service: ServiceState, live: RunState): Content {
  const queued = service.runs.find((run) => run.outcome === 'waiting' && run.id !== live.id);
  const waiting = service.autoDelivery?.waiting;
  const next = [
    queued && `next: ${queued.change.subject}`,
    waiting && `${shortCommit(waiting.commit)} is not delivered yet: ${waiting.reason}`,
  ];
  return { ...content, tooltip: joined([content.tooltip, ...next], '\n') };
}

function liveContent(service: string, run: RunState, now: number): Content {
  if (run.outcome === 'waiting' && run.handedTo !== undefined)
    return busy(`${service}: submitting`, `${run.change.subject}\nThe run is being submitted to ${run.handedTo}.`);
  if (run.outcome === 'waiting') return busy(`${service}: waiting`, `The delivery of ${service} is waiting for the previous one.`);
  const { engine } = run;
  if (engine?.heard && engine.heard.state !== 'slow') return disconnectedContent(service, run, engine, engine.heard, now);
  const running = run.steps.filter((step) => step.state === 'running');
  const done = run.steps.filter((step) => step.state !== 'waiting' && step.state !== 'running').length;
  const [first] = running;
  const progress = `${done} of ${run.steps.length} steps done`;
  if (!first) return busy(`${service}: ${done === 0 ? 'preparing' : 'finishing'}`, `${run.change.subject}\n${progress}`);
  const more = running.length > 1 ? ` (+${running.length - 1})` : '';
  const step = joined([`${first.name}${more}`, steady(runningText(first, now))], ' ');
  return busy(
    `${service}: ${step}`,
    joined([run.change.subject, progress, `running: ${running.map(({ name }) => name).join(', ')}`], '\n'),
  );
}

/** The state of the run may be out of date, so the icon does not spin. */
function disconnectedContent(
  service: string,
  { change }: RunState,
  { label, toldAt }: CiRunState,
  connection: Connection,
  now: number,
): Content {
  const tooltip = joined([change.subject, connectionMessage(label, connection), connection.hint, updatedAt(toldAt, now)], '\n');
  const text = `$(debug-disconnect) ${service}: ${connectionLabel(label, connection)}`;
  return { ...idle(text, tooltip, 'deliver.showRun'), ticks: true };
}

/** Keeps the width of the text from one second to the next, as far as digits go. */
function steady(text: string): string {
  return text.replace('about ', '~').replace(/^\d s/, (seconds) => `\u2007${seconds}`);
}

function busy(text: string, tooltip: string): Content {
  const label = `Delivering ${text}`;
  return {
    text: `$(sync~spin) ${text}`,
    tooltip,
    ariaLabel: label,
    look: 'plain',
    click: 'deliver.showRun',
    links: [openLog, cancel],
    ticks: true,
  };
}

function idle(text: string, tooltip: string, click: StatusText['click']): Content {
  return { text, tooltip, ariaLabel: text.replace(/\$\([^)]*\) /, ''), look: 'plain', click, ticks: false };
}
