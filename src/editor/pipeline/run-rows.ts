import type { Outcome, ProblemFound, StepState } from '../../core/model/events';
import { isFinished, type Deployment, type RunState, type StepProgress } from '../../core/model/run-state';
import type { Row, RowIcon } from '../tree/row';
import { problemId } from '../failures/failures';
import { engineRow, connectionRow } from '../ci/ci-rows';
import { handoverRows } from './approval-rows';
import { currentRun, type ServiceState, type WindowState } from '../app/state';
import { age, attempt, duration, joined, shortCommit, shortLabel } from '../../core/support/format';

const stepIcons: Record<StepState, RowIcon> = {
  waiting: { name: 'circle-outline', color: 'disabledForeground' },
  running: { name: 'loading~spin', color: 'progressBar.background' },
  passed: { name: 'pass-filled', color: 'testing.iconPassed' },
  cached: { name: 'pass', color: 'testing.iconPassed' },
  failed: { name: 'error', color: 'testing.iconFailed' },
  skipped: { name: 'debug-step-over', color: 'testing.iconSkipped' },
  cancelled: { name: 'circle-slash', color: 'testing.iconSkipped' },
  interrupted: { name: 'warning', color: 'testing.iconErrored' },
};

const problemIcons: Record<ProblemFound['severity'], RowIcon> = {
  error: { name: 'error', color: 'problemsErrorIcon.foreground' },
  warning: { name: 'warning', color: 'problemsWarningIcon.foreground' },
  info: { name: 'info', color: 'problemsInfoIcon.foreground' },
};

/** Below one step. */
const mostRows = 100;

export const outcomeIcons: Record<Outcome, RowIcon> = {
  waiting: { name: 'clock', color: 'disabledForeground' },
  running: stepIcons.running,
  passed: stepIcons.passed,
  failed: stepIcons.failed,
  cancelled: stepIcons.cancelled,
  interrupted: stepIcons.interrupted,
  superseded: { name: 'debug-step-over', color: 'testing.iconSkipped' },
};

/** The Pipeline view: each service, its current run's steps, what waits, and earlier runs. */
export function pipelineRows({ services, trusted }: Pick<WindowState, 'services' | 'trusted'>, now: number): Row[] {
  const open = services.length <= 3;
  return services.map((service) => {
    const row = serviceRow(service, open, now);
    const children = service.runs.length > 0 || service.starting || !trusted ? (row.children ?? []) : [firstDelivery(service)];
    return { ...row, children: [...children, ...engineRow(service, now), ...handoverRows(service.key, service.handovers)] };
  });
}

/** What is to be said above the rows. */
export function pipelineMessage({ services, trusted, situation }: WindowState): string | undefined {
  if (services.length === 0) return undefined;
  if (!trusted) return 'Restricted mode: deliveries are shown, and nothing is run until you trust this folder.';
  return situation === 'no-git' ? 'The git program was not found: nothing can be delivered. Install it and reload the window.' : undefined;
}

function serviceRow(service: ServiceState, open: boolean, now: number): Row {
  const run = currentRun(service);
  const running = run !== undefined && run.outcome === 'running';
  const description = service.starting && !running ? 'starting…' : run ? runDescription(run, now) : 'not delivered yet';
  return {
    id: service.key,
    label: service.name,
    description,
    icon: service.starting && !running ? outcomeIcons.running : run ? runIcon(run) : { name: 'rocket' },
    tooltip: run ? runTooltip(run) : `${service.name} was not delivered yet.`,
    ariaLabel: `Service ${service.name}, ${description}`,
    contextValues: ['service', ...(run ? runTraits(run) : [])],
    open: open ? 'expanded' : 'collapsed',
    children: run ? [...stepRows(service.key, run, now), ...otherRuns(service, run, now)] : [],
    subject: { service: service.key, text: run?.change.commit ?? service.name, ...(run && { run: run.id }), ...urlOf(run) },
  };
}

function firstDelivery(service: ServiceState): Row {
  return {
    id: `${service.key}#first`,
    label: 'Deliver the working tree',
    icon: { name: 'rocket' },
    ariaLabel: `Deliver ${service.name} for the first time`,
    subject: { service: service.key },
    click: 'deliver.deliver',
  };
}

function otherRuns(service: ServiceState, current: RunState, now: number): Row[] {
  const others = service.runs.filter((run) => run.id !== current.id);
  const waiting = others.filter((run) => !isFinished(run.outcome)).map((run) => runRow(service.key, run, now));
  const earlier = others.filter((run) => isFinished(run.outcome)).map((run) => runRow(service.key, run, now));
  if (earlier.length === 0) return waiting;
  return [
    ...waiting,
    {
      id: `${service.key}#earlier`,
      label: 'Earlier runs',
      icon: { name: 'history' },
      description: String(earlier.length),
      ariaLabel: `${earlier.length} earlier runs of ${service.name}`,
      open: 'collapsed',
      children: earlier,
      subject: { service: service.key },
    },
  ];
}

function runRow(service: string, run: RunState, now: number): Row {
  const when = age(run.finishedAt ?? run.startedAt, now);
  const waiting =
    run.outcome === 'waiting' ? (run.handedTo === undefined ? 'waiting for the run before it' : waitingWords(run)) : undefined;
  return {
    id: `${service}#${run.id}`,
    label: run.change.subject || shortCommit(run.change.commit),
    description: waiting ?? joined([outcomeWords(run), when, engineWords(run)]),
    icon: runIcon(run),
    tooltip: runTooltip(run),
    ariaLabel: `${waiting ? 'Waiting run' : 'Run'}: ${run.change.subject}, ${waiting ?? `${outcomeWords(run)}, ${when}`}`,
    contextValues: ['run', ...runTraits(run)],
    open: 'collapsed',
    children: stepRows(service, run, now),
    subject: { service, run: run.id, text: run.change.commit, ...urlOf(run) },
  };
}

function stepRows(service: string, run: RunState, now: number): Row[] {
  const heard = run.engine && !isFinished(run.outcome) ? connectionRow(service, run.id, run.engine, now) : [];
  return [...heard, ...run.steps.map((step) => stepRow(service, run, step, now))];
}

function stepRow(service: string, run: RunState, step: StepProgress, now: number): Row {
  const deployment = run.deployments.find((candidate) => step.kind === 'deploy' && deployedBy(run, step, candidate));
  const description = joined([
    isOld(run, step) ? 'was running' : stepDescription(step, now),
    step.state === 'running' && run.engine?.logsAtEnd ? 'log at its end' : undefined,
    deployment && deploymentWords(deployment),
  ]);
  return {
    // A new row where it gets others below: VS Code keeps rows that it knows closed.
    id: `${service}#${run.id}#${step.name}${step.problems.length > 0 ? '#problems' : ''}`,
    label: step.name,
    ...(description && { description }),
    icon: isOld(run, step) ? oldIcon : step.approval === undefined ? stepIcon(step, deployment) : approvalIcon,
    tooltip: joined(
      [
        `${step.name}: ${step.state}`,
        step.reason,
        step.flaky ? 'It passed, but not at the first attempt.' : undefined,
        deployment && takenBackWords(deployment),
      ],
      '\n',
    ),
    ariaLabel: joined([`Step ${step.name}`, step.state, description === step.state ? undefined : description], ', '),
    contextValues: [
      'step',
      step.state,
      ...(hasLog(run, step) ? ['log'] : []),
      ...(step.approval === undefined ? [] : ['approval']),
      ...(deployment && deployment.state !== 'rolled-back' ? ['url'] : []),
      ...(step.state === 'failed' && canRunAgain(run) ? ['again'] : []),
    ],
    subject: {
      ...{ service, run: run.id, step: step.name, text: deployment?.url ?? step.name },
      ...(deployment && { url: deployment.url }),
      ...(step.approval !== undefined && { environment: step.approval }),
    },
    ...(hasLog(run, step) && { click: 'deliver.openLog' }),
    ...problemRows(service, run, step),
  };
}

/** Below a step that failed: what, and where in the delivered change. More than can be looked through are in the log. */
function problemRows(service: string, run: RunState, step: StepProgress): Pick<Row, 'open' | 'children'> {
  if (step.problems.length === 0) return {};
  const rows = step.problems.slice(0, mostRows).map((problem, index): Row => {
    const place = placeWords(problem);
    const [first = ''] = problem.message.split('\n');
    const times = problem.count === undefined ? undefined : `${problem.count}×`;
    const description = joined([place.short, times]);
    const id = problemId(service, run, step, index);
    return {
      id,
      label: first,
      description,
      icon: problemIcons[problem.severity],
      tooltip: joined([problem.message, place.long, problem.source === 'deliver' ? undefined : `told by ${problem.source}`], '\n'),
      ariaLabel: joined([problem.severity, first, place.long], ', '),
      contextValues: ['problem', ...(problem.path === undefined ? [] : ['place'])],
      subject: { service, run: run.id, step: step.name, problem: id, text: joined([place.long, problem.message], ' ') },
      click: 'deliver.openProblem',
    };
  });
  const more = step.problems.length - rows.length;
  const last: Row[] =
    more > 0
      ? [
          {
            id: `${service}#${run.id}#${step.name}#more`,
            label: `${more} more in the log`,
            icon: { name: 'ellipsis' },
            ariaLabel: `${more} more problems in the log`,
            subject: { service, run: run.id, step: step.name },
            click: 'deliver.openLog',
          },
        ]
      : [];
  return { open: step.state === 'failed' ? 'expanded' : 'collapsed', children: [...rows, ...last] };
}

function placeWords({ path, line, column, printed }: ProblemFound): { short?: string; long?: string } {
  if (path === undefined) return printed === undefined ? {} : { short: printed, long: printed };
  const at = line === undefined ? '' : `:${line}`;
  const name = path.slice(path.lastIndexOf('/') + 1);
  return { short: `${name}${at}`, long: `${path}${at}${at !== '' && column !== undefined ? `:${column}` : ''}` };
}

/** A run names no environment before a deployment; the deploy steps come in the order of the deployments. */
function deployedBy(run: RunState, step: StepProgress, deployment: Deployment): boolean {
  const deploys = run.steps.filter((candidate) => candidate.kind === 'deploy');
  return deploys.indexOf(step) === run.deployments.indexOf(deployment);
}

function deploymentWords(deployment: Deployment): string {
  return deployment.state === 'rolled-back' ? 'rolled back' : deployment.url.replace(/^https?:\/\//, '');
}

function stepIcon(step: StepProgress, deployment: Deployment | undefined): RowIcon {
  if (deployment?.state === 'rolled-back') return { name: 'discard', color: 'list.warningForeground' };
  return step.flaky ? { name: 'pass-filled', color: 'testing.iconQueued' } : stepIcons[step.state];
}

function takenBackWords({ environment, takenBack }: Deployment): string | undefined {
  if (!takenBack) return undefined;
  const { reason, to, errorsMs } = takenBack;
  const back = to ? `Back on ${joined([shortCommit(to.commit), to.subject], ' ')}` : 'Taken down';
  const errors = errorsMs === undefined ? '' : ` Customers may have seen errors for ${duration(errorsMs)}.`;
  return `${back} in ${environment}: ${reason}.${errors}`;
}

/** What is said of a step beside its name. */
export function stepDescription(step: StepProgress, now: number): string {
  const again = step.attempt > 1 ? attempt(step.attempt) : undefined;
  switch (step.state) {
    case 'running':
      return joined([runningWords(step, now), again]);
    case 'waiting':
      return step.reason ?? '';
    case 'cached':
      return 'cached';
    case 'skipped':
      return 'skipped';
    case 'passed':
      return joined([took(step), step.flaky ? 'flaky' : undefined, again]);
    case 'failed':
    case 'cancelled':
    case 'interrupted':
      return joined([step.state === 'failed' ? undefined : step.state, took(step), again, step.reason ?? exitWords(step)]);
  }
}

/** `12 s of about 40 s`; once it took longer than usual, only how long. */
export function runningWords(step: StepProgress, now: number): string {
  if (step.startedAt === undefined) return '';
  const elapsed = Math.max(0, now - Date.parse(step.startedAt));
  const words = `${Math.floor(elapsed / 1000)} s`;
  const shown = elapsed < 60_000 ? words : duration(elapsed);
  return step.usualMs !== undefined && step.usualMs >= 1000 && elapsed < step.usualMs
    ? `${shown} of about ${duration(step.usualMs)}`
    : shown;
}

function exitWords(step: StepProgress): string | undefined {
  return step.exitCode === undefined || step.exitCode === 0 ? undefined : `exit code ${step.exitCode}`;
}

function took(step: StepProgress): string | undefined {
  return step.durationMs === undefined ? undefined : duration(step.durationMs);
}

function runDescription(run: RunState, now: number): string {
  if (run.outcome === 'running') return joined([engineWords(run), run.change.subject]);
  if (run.outcome === 'waiting') return joined([waitingWords(run), run.change.subject]);
  return joined([outcomeWords(run), age(run.finishedAt ?? run.startedAt, now), engineWords(run), run.change.subject]);
}

/** What was told of it last may not be so any more: nothing turns. */
const oldIcon: RowIcon = { name: 'question', color: 'list.warningForeground' };

const approvalIcon: RowIcon = { name: 'person', color: 'list.warningForeground' };

function isAway({ outcome, engine }: RunState): boolean {
  return !isFinished(outcome) && engine?.heard !== undefined && engine.heard.state !== 'slow';
}

function isOld(run: RunState, { state }: StepProgress): boolean {
  return state === 'running' && isAway(run);
}

function runIcon(run: RunState): RowIcon {
  return isAway(run) ? oldIcon : outcomeIcons[run.outcome];
}

/** Where it is, where that is not here, and who started it. */
function engineWords({ engine }: RunState): string | undefined {
  return engine && joined([`on ${shortLabel(engine.label)}`, engine.by === undefined ? undefined : `by ${engine.by}`], ' ');
}

function waitingWords({ handedTo }: RunState): string {
  return handedTo === undefined ? 'waiting for another run' : `handing over to ${handedTo}`;
}

function outcomeWords({ outcome, promotion }: RunState): string {
  if (!promotion) return outcome;
  return outcome === 'passed' ? `released to ${promotion.to}` : `release to ${promotion.to} ${outcome}`;
}

function runTooltip(run: RunState): string {
  const dirty = run.change.dirty ? ' with uncommitted changes' : '';
  return joined(
    [
      run.change.subject,
      `${shortCommit(run.change.commit)}${dirty}${run.change.branch ? ` on ${run.change.branch}` : ''}`,
      joined([run.outcome, run.reason], ': '),
      engineWords(run) && joined([engineWords(run), run.engine?.place]),
      ...run.notices,
    ],
    '\n',
  );
}

function runTraits(run: RunState): string[] {
  return [
    isFinished(run.outcome) ? 'finished' : 'live',
    run.outcome,
    ...(canRunAgain(run) ? ['again'] : []),
    ...(urlOf(run).url ? ['url'] : []),
    ...(run.engine?.url === undefined ? [] : ['page']),
  ];
}

function canRunAgain(run: RunState): boolean {
  return !run.promotion && (run.outcome === 'failed' || run.outcome === 'cancelled' || run.outcome === 'interrupted');
}

function hasLog({ engine }: RunState, step: StepProgress): boolean {
  return (step.state === 'running' && !engine?.logsAtEnd) || step.log !== undefined;
}

/** Where the run's latest deployment that stayed answers. */
export function urlOf(run: RunState | undefined): { readonly url?: string } {
  const live = run?.deployments.filter((deployment) => deployment.state !== 'rolled-back').at(-1);
  return live ? { url: live.url } : {};
}
