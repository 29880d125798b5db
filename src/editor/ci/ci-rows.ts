import { isEmbedded } from '../../core/environments/registry';
import type { CiRecord } from '../../core/ci/follow/ci-record';
import type { RemoteDeployment } from '../../core/ci/ci-client';
import type { CiRunState } from '../../core/model/run-state';
import { age, joined, shortCommit, shortLabel } from '../../core/support/format';
import type { LiveEnvironment, ServiceState } from '../app/state';
import type { Row, RowIcon } from '../tree/row';

/** The state of the connection to a CI service, if it is not normal. */
export type Connection = NonNullable<CiRunState['heard']>;

const deploymentIcons: Record<RemoteDeployment['state'], RowIcon> = {
  live: { name: 'cloud', color: 'testing.iconPassed' },
  'going on': { name: 'loading~spin', color: 'progressBar.background' },
  failed: { name: 'error', color: 'testing.iconFailed' },
  gone: { name: 'circle-outline', color: 'disabledForeground' },
};

const deploymentStates: Record<RemoteDeployment['state'], string> = {
  live: 'live',
  'going on': 'in progress',
  failed: 'failed',
  gone: 'inactive',
};

/** Returns `Updated 5 min ago`. */
export function updatedAt(iso: string | undefined, now: number): string | undefined {
  return iso === undefined ? undefined : `Updated ${age(iso, now)}`;
}

/** Returns a row above the steps of a run on a CI service, if their state may be out of date. */
export function connectionRow(service: string, run: string, { label, heard, toldAt }: CiRunState, now: number): Row[] {
  if (!heard) return [];
  const updated = updatedAt(heard.state === 'slow' ? toldAt : heard.at, now);
  const message = connectionMessage(label, heard);
  const needsToken = heard.reason === 'token';
  return [
    {
      id: `${service}#${run}#connection`,
      label: connectionLabel(label, heard),
      description: joined([needsToken ? 'Sign in to continue' : undefined, heard.state === 'slow' ? undefined : updated]),
      icon: { name: heard.state === 'slow' ? 'watch' : needsToken ? 'key' : 'debug-disconnect', color: 'list.warningForeground' },
      tooltip: joined([message, heard.hint, updated], '\n'),
      ariaLabel: joined([`${label}: ${message}`, updated], ', '),
      target: { service, run, text: message },
      click: needsToken ? 'deliver.signIn' : undefined,
    },
  ];
}

export function connectionMessage(label: string, { state, message }: Pick<Connection, 'state' | 'message'>): string {
  if (state === 'unfollowed') return 'Updates paused: no window is monitoring this run';
  return message ?? `${label} does not respond`;
}

export function connectionLabel(label: string, { state, reason }: Pick<Connection, 'state' | 'reason'>): string {
  const short = shortLabel(label);
  if (state === 'slow') return `${short}: rate-limited, refreshing slowly`;
  if (state === 'unfollowed') return 'Updates paused';
  switch (reason) {
    case 'token':
      return `${short} rejected the token`;
    case 'limit':
      return `${short}: rate limit exceeded`;
    case 'answer':
      return `${short} returned an error`;
    case 'offline':
    case undefined:
      return `${short} is not reachable`;
  }
}

/** Returns a row below a service if runs that others started cannot be shown. */
export function ciFailureRow({ key, ciRecord }: ServiceState, now: number): Row[] {
  if (!ciRecord?.failure) return [];
  const { label, failure, toldAt } = ciRecord;
  const needsToken = failure.reason === 'token';
  const updated = updatedAt(toldAt, now);
  return [
    {
      id: `${key}#ci`,
      label: needsToken ? `Sign in to ${shortLabel(label)}` : connectionLabel(label, { state: 'away', reason: failure.reason }),
      description: joined([needsToken ? 'to see its runs' : undefined, updated]),
      icon: { name: needsToken ? 'key' : 'debug-disconnect', color: 'list.warningForeground' },
      tooltip: joined([failure.message, failure.hint, updated], '\n'),
      ariaLabel: joined([`${label}: ${failure.message}`, updated], ', '),
      target: { service: key, text: failure.message },
      click: needsToken ? 'deliver.signIn' : undefined,
    },
  ];
}

/** Returns the deployments that CI services recorded, apart from those to environments that this machine polls. */
export function deploymentRows(services: readonly ServiceState[], environments: readonly LiveEnvironment[], now: number): Row[] {
  const records = new Map<string, CiRecord>();
  // All services of a repository have the same environments.
  for (const { ciRecord } of services) if (ciRecord) records.set(`${ciRecord.label} ${ciRecord.place}`, ciRecord);
  return [...records.values()].flatMap((record) =>
    record.deployments
      .filter(({ environment }) => !environments.some(({ name, kind }) => name === environment && !isEmbedded(kind)))
      .map((deployment) => deploymentRow(record, deployment, now)),
  );
}

function deploymentRow({ name, label, place, toldAt, failure }: CiRecord, deployment: RemoteDeployment, now: number): Row {
  const { environment, state, commit, by, deployedAt, url, page } = deployment;
  const description = joined([
    state === 'live' ? undefined : deploymentStates[state],
    shortCommit(commit),
    by === undefined ? undefined : `by ${by}`,
    age(deployedAt, now),
    `on ${shortLabel(label)}`,
    failure && updatedAt(toldAt, now),
  ]);
  const address = url === '' ? page : url;
  return {
    id: `${name}#${place}#${environment}`,
    label: environment,
    description,
    icon: deploymentIcons[state],
    tooltip: joined(
      [
        `${environment} of ${place}, recorded by ${label}`,
        `${deploymentStates[state]}: ${shortCommit(commit)}`,
        url,
        failure?.message,
        updatedAt(toldAt, now),
      ],
      '\n',
    ),
    ariaLabel: `Environment ${environment} of ${place}, ${description}`,
    contextValues: ['reported', ...(address === undefined ? [] : ['url'])],
    target: { environment, text: address ?? commit, url: address },
    click: address === undefined ? undefined : 'deliver.openService',
  };
}
