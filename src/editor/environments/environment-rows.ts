import { isEmbedded } from '../../core/environments/registry';
import type { Divergence } from '../../core/history/ancestry';
import type { ServiceHealth, ServiceStatus } from '../../core/model/environment-status';
import { age, counted, joined, shortCommit } from '../../core/support/format';
import type { LiveEnvironment } from '../app/state';
import { updatedAt } from '../ci/ci-rows';
import type { Row, RowIcon } from '../tree/row';

const maxSubjects = 8;

const healthIcons: Record<ServiceHealth, RowIcon> = {
  healthy: { name: 'pass-filled', color: 'testing.iconPassed' },
  starting: { name: 'loading~spin', color: 'progressBar.background' },
  unhealthy: { name: 'error', color: 'testing.iconFailed' },
  stopped: { name: 'circle-outline', color: 'disabledForeground' },
  missing: { name: 'circle-slash', color: 'testing.iconFailed' },
  unknown: { name: 'question', color: 'disabledForeground' },
};

/** Returns the divergence of a live service from the current branch. */
type DivergenceOf = (environment: string, service: string) => Divergence | undefined;

/** Returns the rows of the Environments view: each environment with its services. */
export function environmentRows(
  environments: readonly LiveEnvironment[],
  now: number,
  divergenceOf: DivergenceOf = () => undefined,
): Row[] {
  return environments.map((environment) => environmentRow(environment, now, divergenceOf));
}

function environmentRow(environment: LiveEnvironment, now: number, divergenceOf: DivergenceOf): Row {
  const health = joined([environmentText(environment), ...staleTexts(environment, now)]);
  return {
    id: environment.name,
    label: environment.name,
    description: health,
    icon: environment.failure === undefined ? { name: 'server-environment' } : { name: 'warning', color: 'list.warningForeground' },
    tooltip: joined([`${environment.name} (${environment.kind}): ${health}`, environment.failure], '\n'),
    ariaLabel: `Environment ${environment.name}, ${health}`,
    contextValues: ['environment', ...stateValues(environment)],
    open: 'expanded',
    children: [
      ...failureRow(environment),
      ...environment.services.map((service) => deployedRow(environment, service, now, divergenceOf(environment.name, service.service))),
    ],
    target: { environment: environment.name, text: environment.name },
  };
}

/** The environment of customers has no inline button that stops it. */
function stateValues({ running, services }: LiveEnvironment): string[] {
  if (!running) return ['stopped'];
  return services.some(({ isProduction }) => isProduction) ? ['started'] : ['started', 'inlineStop'];
}

function failureRow({ name, failure }: LiveEnvironment): Row[] {
  if (failure === undefined) return [];
  return [
    { id: `${name}#failure`, label: failure, icon: { name: 'info' }, tooltip: failure, ariaLabel: failure, target: { text: failure } },
  ];
}

/** An environment that does not respond keeps its last known state, with the age of that state. */
function staleTexts({ failure, observedAt }: LiveEnvironment, now: number): (string | undefined)[] {
  return failure === undefined ? [] : ['not reachable', updatedAt(observedAt, now)];
}

function environmentText(environment: LiveEnvironment): string {
  const { services, failure } = environment;
  if (services.length === 0) return failure === undefined ? 'nothing deployed' : '';
  if (!environment.running || services.every((service) => service.state === 'stopped')) return 'stopped';
  const unhealthy = services.filter((service) => service.state === 'unhealthy').map((service) => service.service);
  if (unhealthy.length > 0) return `${unhealthy.join(', ')} unhealthy`;
  return services.some((service) => service.state === 'starting') ? 'starting' : 'healthy';
}

function deployedRow(
  { name: environment, kind }: LiveEnvironment,
  service: ServiceStatus,
  now: number,
  divergence: Divergence | undefined,
): Row {
  const { release } = service;
  const description = joined([
    service.state === 'healthy' ? undefined : service.state,
    release && shortCommit(release.commit),
    divergence && divergenceText(divergence),
    // A release without an artifact was built on another machine.
    release?.by !== undefined && service.artifact === undefined ? `by ${release.by}` : undefined,
    release?.subject,
    release && (release.restored ? `restored ${age(release.restored.at, now)} by ${release.restored.by}` : age(release.deployedAt, now)),
  ]);
  const isUp = service.state === 'healthy' || service.state === 'unhealthy';
  return {
    id: `${environment}#${service.service}`,
    label: service.service,
    description,
    icon: healthIcons[service.state],
    tooltip: joined(
      [
        joined([service.state, service.reason], ': '),
        service.url,
        release && joined([`live: ${releaseText(release)}`, age(release.deployedAt, now), release.by && `by ${release.by}`], ', '),
        release?.restored && `restored ${age(release.restored.at, now)} by ${release.restored.by}`,
        divergence && listed('In your branch, not live:', divergence.missing),
        divergence && listed('Live, not in your branch:', divergence.foreign),
        service.previous && `previous: ${releaseText(service.previous)}`,
        updatedAt(service.observedAt, now),
      ],
      '\n',
    ),
    ariaLabel: joined(
      [`${service.service} in ${environment}`, service.state, release?.subject, release && `deployed ${age(release.deployedAt, now)}`],
      ', ',
    ),
    contextValues: [
      'deployed',
      ...(isUp && service.url ? ['url'] : []),
      ...(service.previous ? ['previous'] : []),
      ...(hasLog(kind, service) ? ['log'] : []),
    ],
    target: { environment, deployed: service.service, url: service.url, text: service.url || service.service },
    click: isUp && service.url ? 'deliver.openService' : undefined,
  };
}

/** The log is a file, or the environment provides it. */
function hasLog(kind: string, service: ServiceStatus): boolean {
  return service.log !== undefined || (!isEmbedded(kind) && service.state !== 'stopped');
}

function divergenceText({ missing, foreign }: Divergence): string {
  const changes = (commits: readonly string[], where: string): string | undefined =>
    commits.length === 0 ? undefined : `${counted(commits.length, 'change')} ${where}`;
  return joined([changes(missing, 'behind'), changes(foreign, 'not in your branch')], ', ');
}

function listed(title: string, subjects: readonly string[]): string | undefined {
  if (subjects.length === 0) return undefined;
  const more = subjects.length > maxSubjects ? [`  and ${subjects.length - maxSubjects} more`] : [];
  return [title, ...subjects.slice(0, maxSubjects).map((subject) => `  ${subject}`), ...more].join('\n');
}

/** Returns a release for a sentence: `4f2a91c “Add a cart”`. */
export function releaseText(release: { readonly commit: string; readonly subject?: string; readonly dirty?: boolean }): string {
  const subject = release.subject ? ` “${release.subject}”` : '';
  return `${shortCommit(release.commit)}${subject}${release.dirty ? ' with uncommitted changes' : ''}`;
}
