import type { CiRecord } from '../../core/ci/follow/ci-record';
import type { RemoteDeployment } from '../../core/ci/ci-client';
import type { CiRunState } from '../../core/model/run-state';
import type { Row, RowIcon } from '../tree/row';
import type { LiveEnvironment, ServiceState } from '../app/state';
import { age, joined, shortCommit, shortLabel } from '../app/format';

const deploymentIcons: Record<RemoteDeployment['state'], RowIcon> = {
  live: { name: 'cloud', color: 'testing.iconPassed' },
  'going on': { name: 'loading~spin', color: 'progressBar.background' },
  failed: { name: 'error', color: 'testing.iconFailed' },
  gone: { name: 'circle-outline', color: 'disabledForeground' },
};

/** Why what is told of a run on a CI service may be old: first below it, so that nobody takes it for how things are. */
export function connectionRow(service: string, run: string, { label, heard, toldAt }: CiRunState, now: number): Row[] {
  if (!heard) return [];
  const told = `told ${age(heard.state === 'slow' ? toldAt : heard.at, now)}`;
  const what = heard.state === 'unfollowed' ? `Nothing here follows this run at ${label}` : (heard.message ?? `${label} does not answer`);
  const signIn = heard.reason === 'token';
  return [
    {
      id: `${service}#${run}#heard`,
      label: connectionLabel(label, heard),
      description: joined([signIn ? 'sign in to go on' : undefined, heard.state === 'slow' ? undefined : told]),
      icon: { name: heard.state === 'slow' ? 'watch' : signIn ? 'key' : 'debug-disconnect', color: 'list.warningForeground' },
      tooltip: joined([what, heard.hint, told], '\n'),
      ariaLabel: joined([`${label}: ${what}`, told], ', '),
      subject: { service, run, text: what },
      ...(signIn && { click: 'deliver.signIn' }),
    },
  ];
}

/** What is wrong, as what it is: not everything is the network. */
export function connectionLabel(label: string, { state, reason }: Pick<NonNullable<CiRunState['heard']>, 'state' | 'reason'>): string {
  const short = shortLabel(label);
  if (state === 'slow') return `${short} is asked seldom`;
  if (state === 'unfollowed') return 'Not followed';
  switch (reason) {
    case 'token':
      return `${short} refuses the token`;
    case 'limit':
      return `${short} was asked too often`;
    case 'answer':
      return `${short} answers with an error`;
    case 'offline':
    case undefined:
      return `${short} is not reachable`;
  }
}

/** Why the runs of others are not shown, below their service. */
export function engineRow({ key, engine }: ServiceState, now: number): Row[] {
  if (!engine?.failure) return [];
  const { label, failure, toldAt } = engine;
  const signIn = failure.reason === 'token';
  const told = toldAt === undefined ? undefined : `told ${age(toldAt, now)}`;
  return [
    {
      id: `${key}#engine`,
      label: signIn ? `Sign in to ${shortLabel(label)}` : connectionLabel(label, { state: 'away', reason: failure.reason }),
      description: joined([signIn ? 'to see its runs' : undefined, told]),
      icon: { name: signIn ? 'key' : 'debug-disconnect', color: 'list.warningForeground' },
      tooltip: joined([failure.message, failure.hint, told], '\n'),
      ariaLabel: joined([`${label}: ${failure.message}`, told], ', '),
      subject: { service: key, text: failure.message },
      ...(signIn && { click: 'deliver.signIn' }),
    },
  ];
}

/**
 * What CI services have on record of environments that cannot be asked from here. One that is asked itself needs no record of others:
 * what it says counts.
 */
export function deploymentRows(services: readonly ServiceState[], asked: readonly LiveEnvironment[], now: number): Row[] {
  const records = new Map<string, CiRecord>();
  // A repository's environments are those of all its services.
  for (const { engine } of services) if (engine) records.set(`${engine.label} ${engine.place}`, engine);
  return [...records.values()].flatMap((record) =>
    record.deployments
      .filter(({ environment }) => !asked.some(({ name, kind }) => name === environment && kind !== 'process'))
      .map((deployment) => deploymentRow(record, deployment, now)),
  );
}

function deploymentRow({ name, label, place, toldAt, failure }: CiRecord, deployment: RemoteDeployment, now: number): Row {
  const { environment, state, commit, by, deployedAt, url, page } = deployment;
  const description = joined([
    state === 'live' ? undefined : state,
    shortCommit(commit),
    by === undefined ? undefined : `by ${by}`,
    age(deployedAt, now),
    `on ${shortLabel(label)}`,
    failure && toldAt !== undefined ? `told ${age(toldAt, now)}` : undefined,
  ]);
  const address = url === '' ? page : url;
  return {
    id: `${name}#${place}#${environment}`,
    label: environment,
    description,
    icon: deploymentIcons[state],
    tooltip: joined(
      [
        `${environment} of ${place}, as ${label} has it on record`,
        `${state}: ${commit}`,
        url,
        failure?.message,
        toldAt && `told ${age(toldAt, now)}`,
      ],
      '\n',
    ),
    ariaLabel: `Environment ${environment} of ${place}, ${description}`,
    contextValues: ['reported', ...(address === undefined ? [] : ['url'])],
    subject: { environment, text: address ?? commit, ...(address !== undefined && { url: address }) },
    ...(address !== undefined && { click: 'deliver.openService' }),
  };
}
