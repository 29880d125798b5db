import type { Outcome, ProblemFound, StepState } from '../../core/model/events';
import { isFinished, type Deployment, type RunState, type StepProgress } from '../../core/model/run-state';
import { age, attempt, counted, duration, joined, shortCommit, shortLabel } from '../../core/support/format';
import { currentRun, type ServiceState, type WindowState } from '../app/state';
import { ciFailureRow, connectionRow } from '../ci/ci-rows';
import { problemId } from '../failures/failures';
import { withoutPlace } from '../../core/location/problems-now';
import type { Row, RowIcon } from '../tree/row';
import { manualApprovalRows } from './approval-rows';

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

/** More problems of a step are only in its log. */
const maxProblemRows = 100;

const outcomeIcons: Record<Outcome, RowIcon> = {
  waiting: { name: 'clock', color: 'disabledForeground' },
  running: stepIcons.running,
  passed: stepIcons.passed,
  failed: stepIcons.failed,
  cancelled: stepIcons.cancelled,
  interrupted: stepIcons.interrupted,
  superseded: { name: 'debug-step-over', color: 'testing.iconSkipped' },
};

/** Returns the rows of the Pipeline view: each service with the steps of its current run, waiting runs and earlier runs. */
export function pipelineRows({ services, trusted }: Pick<WindowState, 'services' | 'trusted'>, now: number): Row[] {
  const open = services.length <= 3;
  return services.map((service) => {
    const row = serviceRow(service, open, now);
    const isFirst = service.runs.length === 0 && !service.starting && trusted && !service.definitionErrors?.length;
    const children = isFirst ? [firstDelivery(service)] : (row.children ?? []);
    return {
      ...row,
      children: [
        ...definitionRows(service),
        ...children,
        ...ciFailureRow(service, now),
        ...manualApprovalRows(service.key, service.manualApprovals),
      ],
    };
  });
}

/** Returns the message above the rows. */
export function pipelineMessage({ services, trusted, readiness }: WindowState): string | undefined {
  if (services.length === 0) return undefined;
  if (!trusted) return 'Restricted Mode: trust this folder to run deliveries.';
  return readiness === 'no-git' ? 'Git was not found, so nothing can be delivered. Install Git and reload the window.' : undefined;
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
    tooltip: run ? runTooltip(run) : `${service.name} is not delivered yet.`,
    ariaLabel: joined([`Service ${service.name}`, running ? 'running' : undefined, description], ', '),
    contextValues: ['service', ...(run ? runContextValues(run) : [])],
    open: open ? 'expanded' : 'collapsed',
    children: run ? [...stepRows(service.key, run, now), ...otherRuns(service, run, now)] : [],
    target: { service: service.key, text: run?.change.commit ?? service.name, run: run?.id, url: urlOf(run) },
  };
}

/** Returns a row for each error of `delivery.yaml`, because of which nothing can be delivered. */
function definitionRows({ key, definitionErrors = [] }: ServiceState): Row[] {
  return definitionErrors.slice(0, maxProblemRows).map(({ message, hint, line = 1, column = 1 }, index) => ({
    id: `${key}#definition#${index}`,
    label: `delivery.yaml:${line}`,
    description: message,
    icon: problemIcons.error,
    tooltip: joined([message, hint], '\n'),
    ariaLabel: `error, delivery.yaml:${line}:${column}, ${message}`,
    target: { service: key, place: `${line}:${column}`, text: joined([`delivery.yaml:${line}:${column}`, message], ' ') },
    click: 'deliver.revealStep',
  }));
}

function firstDelivery(service: ServiceState): Row {
  return {
    id: `${service.key}#first`,
    label: 'Deliver the working tree',
    icon: { name: 'rocket' },
    ariaLabel: `Deliver ${service.name} for the first time`,
    target: { service: service.key },
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
      ariaLabel: `${counted(earlier.length, 'earlier run')} of ${service.name}`,
      open: 'collapsed',
      children: earlier,
      target: { service: service.key },
    },
  ];
}

function runRow(service: string, run: RunState, now: number): Row {
  const when = age(run.finishedAt ?? run.startedAt, now);
  const waiting = run.outcome === 'waiting' ? waitingText(run) : undefined;
  return {
    id: `${service}#${run.id}`,
    label: run.change.subject || shortCommit(run.change.commit),
    description: waiting ?? joined([outcomeText(run), when, ciText(run)]),
    icon: runIcon(run),
    tooltip: runTooltip(run),
    ariaLabel: `${waiting ? 'Waiting run' : 'Run'}: ${run.change.subject}, ${waiting ?? `${outcomeText(run)}, ${when}`}`,
    contextValues: ['run', ...runContextValues(run)],
    open: 'collapsed',
    children: stepRows(service, run, now),
    target: { service, run: run.id, text: run.change.commit, url: urlOf(run) },
  };
}

function stepRows(service: string, run: RunState, now: number): Row[] {
  const notices = runNotices(run).map((message, index): Row => ({
    id: `${service}#${run.id}#notice-${index}`,
    label: message,
    icon: { name: 'info', color: 'problemsInfoIcon.foreground' },
    tooltip: message,
    ariaLabel: `Notice: ${message}`,
    target: { service, run: run.id, text: message },
  }));
  const connection = run.engine && !isFinished(run.outcome) ? connectionRow(service, run.id, run.engine, now) : [];
  return [...notices, ...connection, ...run.steps.map((step) => stepRow(service, run, step, now))];
}

/** Returns the messages about the whole run; those about a step are on its row. */
function runNotices(run: RunState): string[] {
  const ofSteps = new Set(run.steps.flatMap(({ notices = [] }) => notices));
  return run.notices.filter((message) => !ofSteps.has(message));
}

function stepRow(service: string, run: RunState, step: StepProgress, now: number): Row {
  const deployment = run.deployments.find((candidate) => step.kind === 'deploy' && deployedBy(run, step, candidate));
  const description = joined([
    isStale(run, step) ? 'was running' : stepDescription(step, now),
    step.notices?.some((notice) => /^\S+ is not cached: /.test(notice)) ? 'not cached' : undefined,
    step.state === 'running' && run.engine?.logsAtEnd ? 'log when finished' : undefined,
    deployment && deploymentText(deployment),
  ]);
  return {
    // VS Code keeps a known row collapsed, so a step with problems is a new row.
    id: `${service}#${run.id}#${step.name}${step.problems.length > 0 ? '#problems' : ''}`,
    label: step.name,
    description,
    icon: isStale(run, step) ? staleIcon : step.approval === undefined ? stepIcon(step, deployment) : approvalIcon,
    tooltip: joined(
      [
        `${step.name}: ${step.state}`,
        step.reason,
        withoutPlace(step),
        step.flaky ? 'Passed, but not on the first attempt.' : undefined,
        deployment && rolledBackText(deployment),
        ...(step.notices ?? []),
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
    target: {
      service,
      run: run.id,
      step: step.name,
      text: deployment?.url ?? step.name,
      url: deployment?.url,
      environment: step.approval,
    },
    click: hasLog(run, step) ? 'deliver.openLog' : undefined,
    ...problemRows(service, run, step),
  };
}

/** Returns the problems of a step, each with its place in the delivered change. */
function problemRows(service: string, run: RunState, step: StepProgress): Pick<Row, 'open' | 'children'> {
  if (step.problems.length === 0) return {};
  const rows = step.problems.slice(0, maxProblemRows).map((problem, index): Row => {
    const place = placeText(problem);
    const [title = ''] = problem.message.split('\n');
    const times = problem.count === undefined ? undefined : `${problem.count}×`;
    const id = problemId(service, run, step, index);
    return {
      id,
      // In a narrow side bar the end of a row is cut off.
      label: place.short ?? title,
      description: joined([place.short === undefined ? undefined : title, times]),
      icon: problemIcons[problem.severity],
      tooltip: joined([problem.message, place.long, problem.source === 'deliver' ? undefined : `Source: ${problem.source}`], '\n'),
      ariaLabel: joined([problem.severity, title, place.long], ', '),
      contextValues: ['problem', ...(problem.path === undefined ? [] : ['place'])],
      target: { service, run: run.id, step: step.name, problem: id, text: joined([place.long, problem.message], ' ') },
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
            target: { service, run: run.id, step: step.name },
            click: 'deliver.openLog',
          },
        ]
      : [];
  return { open: step.state === 'failed' ? 'expanded' : 'collapsed', children: [...rows, ...last] };
}

function placeText({ path, line, column, printed }: ProblemFound): { short?: string; long?: string } {
  if (path === undefined) return printed === undefined ? {} : { short: printed, long: printed };
  const at = line === undefined ? '' : `:${line}`;
  const name = path.slice(path.lastIndexOf('/') + 1);
  return { short: `${name}${at}`, long: `${path}${at}${at !== '' && column !== undefined ? `:${column}` : ''}` };
}

/** A step does not name its environment, but deploy steps and deployments are in the same order. */
function deployedBy(run: RunState, step: StepProgress, deployment: Deployment): boolean {
  const deploys = run.steps.filter((candidate) => candidate.kind === 'deploy');
  return deploys.indexOf(step) === run.deployments.indexOf(deployment);
}

function deploymentText(deployment: Deployment): string {
  return deployment.state === 'rolled-back' ? 'rolled back' : deployment.url.replace(/^https?:\/\//, '');
}

function stepIcon(step: StepProgress, deployment: Deployment | undefined): RowIcon {
  if (deployment?.state === 'rolled-back') return { name: 'discard', color: 'list.warningForeground' };
  return step.flaky ? { name: 'pass-filled', color: 'testing.iconQueued' } : stepIcons[step.state];
}

function rolledBackText({ environment, takenBack }: Deployment): string | undefined {
  if (!takenBack) return undefined;
  const { reason, to, errorsMs } = takenBack;
  const result = to
    ? `Rolled back in ${environment} to ${joined([shortCommit(to.commit), to.subject], ' ')}`
    : `Removed from ${environment}`;
  const errors = errorsMs === undefined ? '' : ` Customers may have seen errors for ${duration(errorsMs)}.`;
  return `${result}: ${reason}.${errors}`;
}

function stepDescription(step: StepProgress, now: number): string {
  const attempts = step.attempt > 1 ? attempt(step.attempt) : undefined;
  switch (step.state) {
    case 'running':
      return joined([runningText(step, now), attempts]);
    case 'waiting':
      return step.reason ?? '';
    case 'cached':
      return 'cached';
    case 'skipped':
      return 'skipped';
    case 'passed':
      return joined([took(step), step.flaky ? 'flaky' : undefined, attempts]);
    case 'failed':
    case 'cancelled':
    case 'interrupted':
      return joined([step.state === 'failed' ? undefined : step.state, took(step), attempts, step.reason ?? exitText(step)]);
  }
}

/** Returns `12 s of about 40 s`, or only `45 s` once the step takes longer than usual. */
export function runningText(step: StepProgress, now: number): string {
  if (step.startedAt === undefined) return '';
  const elapsed = Math.max(0, now - Date.parse(step.startedAt));
  const shown = elapsed < 60_000 ? `${Math.floor(elapsed / 1000)} s` : duration(elapsed);
  return step.usualMs !== undefined && step.usualMs >= 1000 && elapsed < step.usualMs
    ? `${shown} of about ${duration(step.usualMs)}`
    : shown;
}

function exitText(step: StepProgress): string | undefined {
  return step.exitCode === undefined || step.exitCode === 0 ? undefined : `exit code ${step.exitCode}`;
}

function took(step: StepProgress): string | undefined {
  return step.durationMs === undefined ? undefined : duration(step.durationMs);
}

function runDescription(run: RunState, now: number): string {
  if (run.outcome === 'running') return joined([ciText(run), run.change.subject]);
  if (run.outcome === 'waiting') return joined([waitingText(run), run.change.subject]);
  return joined([outcomeText(run), age(run.finishedAt ?? run.startedAt, now), ciText(run), run.change.subject]);
}

/** The state may be out of date, so the icon does not spin. */
const staleIcon: RowIcon = { name: 'question', color: 'list.warningForeground' };

const approvalIcon: RowIcon = { name: 'person', color: 'list.warningForeground' };

function isDisconnected({ outcome, engine }: RunState): boolean {
  return !isFinished(outcome) && engine?.heard !== undefined && engine.heard.state !== 'slow';
}

function isStale(run: RunState, { state }: StepProgress): boolean {
  return state === 'running' && isDisconnected(run);
}

function runIcon(run: RunState): RowIcon {
  return isDisconnected(run) ? staleIcon : outcomeIcons[run.outcome];
}

/** Returns `on GitHub by grace` for a run on a CI service. */
function ciText({ engine }: RunState): string | undefined {
  return engine && joined([`on ${shortLabel(engine.label)}`, engine.by === undefined ? undefined : `by ${engine.by}`], ' ');
}

function waitingText({ handedTo }: RunState): string {
  return handedTo === undefined ? 'waiting for the previous run' : `submitting to ${handedTo}`;
}

function outcomeText({ outcome, promotion }: RunState): string {
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
      ciText(run) && joined([ciText(run), run.engine?.place]),
      ...run.notices,
    ],
    '\n',
  );
}

function runContextValues(run: RunState): string[] {
  return [
    isFinished(run.outcome) ? 'finished' : 'live',
    run.outcome,
    ...(canRunAgain(run) ? ['again'] : []),
    ...(urlOf(run) ? ['url'] : []),
    ...(run.engine?.url === undefined ? [] : ['page']),
  ];
}

export function canRunAgain(run: RunState): boolean {
  return !run.promotion && (run.outcome === 'failed' || run.outcome === 'cancelled' || run.outcome === 'interrupted');
}

function hasLog({ engine }: RunState, step: StepProgress): boolean {
  return (step.state === 'running' && !engine?.logsAtEnd) || step.log !== undefined;
}

/** Returns the address of the run's latest deployment that was not rolled back. */
export function urlOf(run: RunState | undefined): string | undefined {
  return run?.deployments.filter((deployment) => deployment.state !== 'rolled-back').at(-1)?.url;
}
