import type { ServiceHealth, ServiceStatus } from '../core/environments/environment';
import type { Row, RowIcon } from './row';
import type { LiveEnvironment } from './state';
import { age, joined, shortCommit } from './words';

const healthIcons: Record<ServiceHealth, RowIcon> = {
  healthy: { name: 'pass-filled', color: 'testing.iconPassed' },
  starting: { name: 'loading~spin', color: 'progressBar.background' },
  unhealthy: { name: 'error', color: 'testing.iconFailed' },
  stopped: { name: 'circle-outline', color: 'disabledForeground' },
};

/** The Environments view: each environment, its services, what is live and how it is. */
export function environmentRows(environments: readonly LiveEnvironment[], now: number): Row[] {
  return environments.map((environment) => environmentRow(environment, now));
}

function environmentRow(environment: LiveEnvironment, now: number): Row {
  const health = environmentWords(environment);
  return {
    id: environment.name,
    label: environment.name,
    description: health,
    icon: { name: 'server-environment' },
    tooltip: `${environment.name} (${environment.kind}): ${health}`,
    spoken: `Environment ${environment.name}, ${health}`,
    traits: ['environment', environment.running ? 'started' : 'stopped'],
    open: 'expanded',
    children: environment.services.map((service) => deployedRow(environment.name, service, now)),
    subject: { environment: environment.name, text: environment.name },
  };
}

function environmentWords(environment: LiveEnvironment): string {
  const { services } = environment;
  if (services.length === 0) return 'nothing deployed';
  if (!environment.running || services.every((service) => service.state === 'stopped')) return 'stopped';
  const ill = services.filter((service) => service.state === 'unhealthy').map((service) => service.service);
  if (ill.length > 0) return `${ill.join(', ')} unhealthy`;
  return services.some((service) => service.state === 'starting') ? 'starting' : 'healthy';
}

function deployedRow(environment: string, service: ServiceStatus, now: number): Row {
  const { release } = service;
  const description = joined([
    service.state === 'healthy' ? undefined : service.state,
    release && shortCommit(release.commit),
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
        release && `live: ${releaseWords(release)}`,
        service.previous && `before: ${releaseWords(service.previous)}`,
      ],
      '\n',
    ),
    spoken: joined(
      [`${service.service} in ${environment}`, service.state, release?.subject, release && `deployed ${age(release.deployedAt, now)}`],
      ', ',
    ),
    traits: ['deployed', ...(up && service.url ? ['url'] : []), ...(service.previous ? ['previous'] : []), ...(service.log ? ['log'] : [])],
    subject: { environment, deployed: service.service, url: service.url, text: service.url || service.service },
    ...(up && service.url && { click: 'deliver.openService' }),
  };
}

/** A release as a sentence names it: `4f2a91c “Add a cart”`. */
export function releaseWords(release: { readonly commit: string; readonly subject?: string; readonly dirty?: boolean }): string {
  const subject = release.subject ? ` “${release.subject}”` : '';
  return `${shortCommit(release.commit)}${subject}${release.dirty ? ' with uncommitted changes' : ''}`;
}
