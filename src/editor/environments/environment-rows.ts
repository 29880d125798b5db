import type { Divergence } from '../../core/history/ancestry';
import type { ServiceHealth, ServiceStatus } from '../../core/model/environment-status';
import type { Row, RowIcon } from '../tree/row';
import type { LiveEnvironment } from '../app/state';
import { age, joined, shortCommit } from '../app/format';

const shownSubjects = 8;

const healthIcons: Record<ServiceHealth, RowIcon> = {
  healthy: { name: 'pass-filled', color: 'testing.iconPassed' },
  starting: { name: 'loading~spin', color: 'progressBar.background' },
  unhealthy: { name: 'error', color: 'testing.iconFailed' },
  stopped: { name: 'circle-outline', color: 'disabledForeground' },
};

/** The Environments view: each environment, its services, what is live and how it is. */
export function environmentRows(environments: readonly LiveEnvironment[], now: number, differs: Differs = () => undefined): Row[] {
  return environments.map((environment) => environmentRow(environment, now, differs));
}

/** How what is live in an environment differs from the own branch, by environment and service. */
type Differs = (environment: string, service: string) => Divergence | undefined;

function environmentRow(environment: LiveEnvironment, now: number, differs: Differs): Row {
  const health = joined([environmentWords(environment), failureWords(environment, now)]);
  return {
    id: environment.name,
    label: environment.name,
    description: health,
    icon: environment.failure === undefined ? { name: 'server-environment' } : { name: 'warning', color: 'list.warningForeground' },
    tooltip: joined([`${environment.name} (${environment.kind}): ${health}`, environment.failure], '\n'),
    ariaLabel: `Environment ${environment.name}, ${health}`,
    contextValues: ['environment', environment.running ? 'started' : 'stopped'],
    open: 'expanded',
    children: [
      ...failureRow(environment),
      ...environment.services.map((service) => deployedRow(environment, service, now, differs(environment.name, service.service))),
    ],
    subject: { environment: environment.name, text: environment.name },
  };
}

function failureRow({ name, failure }: LiveEnvironment): Row[] {
  if (failure === undefined) return [];
  return [
    { id: `${name}#failure`, label: failure, icon: { name: 'info' }, tooltip: failure, ariaLabel: failure, subject: { text: failure } },
  ];
}

/** It cannot be asked now: what it said last stands, with its age. */
function failureWords({ failure, observedAt }: LiveEnvironment, now: number): string | undefined {
  if (failure === undefined) return undefined;
  return observedAt === undefined ? 'not reachable' : `not reachable, seen ${age(observedAt, now)}`;
}

function environmentWords(environment: LiveEnvironment): string {
  const { services, failure } = environment;
  if (services.length === 0) return failure === undefined ? 'nothing deployed' : '';
  if (!environment.running || services.every((service) => service.state === 'stopped')) return 'stopped';
  const ill = services.filter((service) => service.state === 'unhealthy').map((service) => service.service);
  if (ill.length > 0) return `${ill.join(', ')} unhealthy`;
  return services.some((service) => service.state === 'starting') ? 'starting' : 'healthy';
}

function deployedRow(
  { name: environment, kind }: LiveEnvironment,
  service: ServiceStatus,
  now: number,
  differs: Divergence | undefined,
): Row {
  const { release } = service;
  const description = joined([
    service.state === 'healthy' ? undefined : service.state,
    release && shortCommit(release.commit),
    differs && differenceWords(differs),
    // What was built elsewhere was delivered by somebody else.
    release?.by !== undefined && service.artifact === undefined ? `by ${release.by}` : undefined,
    release?.subject,
    release && age(release.deployedAt, now),
  ]);
  const up = service.state === 'healthy' || service.state === 'unhealthy';
  return {
    id: `${environment}#${service.service}`,
    label: service.service,
    ...(description && { description }),
    icon: healthIcons[service.state],
    tooltip: joined(
      [
        joined([service.state, service.reason], ': '),
        service.url,
        release && joined([`live: ${releaseWords(release)}`, age(release.deployedAt, now), release.by && `by ${release.by}`], ', '),
        differs && listed('Not in it, but in your branch:', differs.missing),
        differs && listed('In it, but not in your branch:', differs.foreign),
        service.previous && `before: ${releaseWords(service.previous)}`,
        service.observedAt && `seen ${age(service.observedAt, now)}`,
      ],
      '\n',
    ),
    ariaLabel: joined(
      [`${service.service} in ${environment}`, service.state, release?.subject, release && `deployed ${age(release.deployedAt, now)}`],
      ', ',
    ),
    contextValues: [
      'deployed',
      ...(up && service.url ? ['url'] : []),
      ...(service.previous ? ['previous'] : []),
      ...(hasLog(kind, service) ? ['log'] : []),
    ],
    subject: { environment, deployed: service.service, url: service.url, text: service.url || service.service },
    ...(up && service.url && { click: 'deliver.openService' }),
  };
}

/** A file, or what the environment itself can be asked for. */
function hasLog(kind: string, service: ServiceStatus): boolean {
  return service.log !== undefined || (kind !== 'process' && service.state !== 'stopped');
}

function differenceWords({ missing, foreign }: Divergence): string | undefined {
  const count = (commits: readonly string[], where: string): string | undefined =>
    commits.length === 0 ? undefined : `${commits.length} ${commits.length === 1 ? 'change' : 'changes'} ${where}`;
  return joined([count(missing, 'behind'), count(foreign, 'not in your branch')], ', ') || undefined;
}

function listed(title: string, subjects: readonly string[]): string | undefined {
  if (subjects.length === 0) return undefined;
  const more = subjects.length > shownSubjects ? [`  and ${subjects.length - shownSubjects} more`] : [];
  return [title, ...subjects.slice(0, shownSubjects).map((subject) => `  ${subject}`), ...more].join('\n');
}

/** A release as a sentence names it: `4f2a91c “Add a cart”`. */
export function releaseWords(release: { readonly commit: string; readonly subject?: string; readonly dirty?: boolean }): string {
  const subject = release.subject ? ` “${release.subject}”` : '';
  return `${shortCommit(release.commit)}${subject}${release.dirty ? ' with uncommitted changes' : ''}`;
}
