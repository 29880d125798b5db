import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Release } from '../../model/events';
import { fail, messageOf, ok, type Result } from '../../model/result';
import { shortCommit } from '../../support/format';
import { type PlatformPlace, releaseFrom, releaseLabel } from '../platform';
import type { Kubectl, KubectlResult } from './kubectl';
import { type KubernetesObject, type ObjectList, withAnnotations } from './objects';
import { annotations } from './workload';

/** The number of releases whose objects the cluster keeps. */
export const maxRecords = 10;
const recordLabel = 'deliver/record';
const stateAnnotation = 'deliver/state';
const maxUnpackedBytes = 64 << 20;

/** The objects of a release as they were applied. */
export interface ReleaseRecord {
  readonly release: Release;
  readonly url: string;
  readonly objects: readonly KubernetesObject[];
}

interface Secret extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** A record in the cluster. Its objects are unpacked on demand. */
export interface StoredRecord {
  readonly name: string;
  readonly service: string;
  readonly environment: string;
  readonly release: Release;
  /** Its rollout is complete. Otherwise it failed, or it is in progress. */
  readonly isDeployed: boolean;
  read(): Result<ReleaseRecord>;
}

type Owner = Pick<PlatformPlace, 'environment' | 'service'>;

/** Returns the secret that keeps a release. It is applied before the objects of the release. */
export function recordSecret({ service, environment }: Owner, record: ReleaseRecord): KubernetesObject {
  const hash = createHash('sha256')
    .update(JSON.stringify([environment, service, record.release.id]))
    .digest('hex')
    .slice(0, 20);
  const values = {
    [annotations.service]: service,
    [annotations.environment]: environment,
    [annotations.release]: releaseLabel(record.release),
    [stateAnnotation]: 'pending',
  };
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'deliver/release',
    metadata: { name: `deliver-release-${hash}`, labels: { 'app.kubernetes.io/managed-by': 'deliver', [recordLabel]: 'release' } },
    data: { release: gzipSync(JSON.stringify(record)).toString('base64') },
  };
  return { ...secret, metadata: withAnnotations(secret.metadata, values) };
}

/** Returns the records of all services and environments of the namespace, newest first. */
export async function readRecords(kubectl: Kubectl, signal: AbortSignal): Promise<KubectlResult<StoredRecord[]>> {
  const list = await kubectl.json<ObjectList<Secret>>(['get', 'secrets', `--selector=${recordLabel}=release`], { signal });
  return list.ok ? { ok: true, value: recordsOf(list.value.items ?? []) } : list;
}

export function recordsOf(secrets: readonly Secret[]): StoredRecord[] {
  // The clock of the cluster counts. Within its resolution of a second, the clocks of the machines that delivered do.
  const age = ({ metadata }: Secret, release: Release): string => `${metadata.creationTimestamp ?? ''} ${release.deployedAt}`;
  return secrets
    .flatMap((secret) => {
      const { [annotations.service]: service, [annotations.environment]: environment, ...values } = secret.metadata.annotations ?? {};
      const release = releaseFrom(values[annotations.release]);
      if (service === undefined || environment === undefined || !release) return [];
      const record: StoredRecord = {
        name: secret.metadata.name,
        service,
        environment,
        release,
        isDeployed: values[stateAnnotation] === 'deployed',
        read: () => unpack(secret, release),
      };
      return [{ record, age: age(secret, release) }];
    })
    .sort((a, b) => (a.age < b.age ? 1 : -1))
    .map(({ record }) => record);
}

function unpack({ metadata, data }: Secret, release: Release): Result<ReleaseRecord> {
  try {
    const text = gunzipSync(Buffer.from(data?.['release'] ?? '', 'base64'), { maxOutputLength: maxUnpackedBytes }).toString('utf8');
    return ok(JSON.parse(text) as ReleaseRecord);
  } catch (error) {
    return fail('delivery', `the record of ${shortCommit(release.commit)} in the cluster is damaged: ${messageOf(error)}`, {
      hint: `deliver that commit again; the record is secret/${metadata.name}`,
    });
  }
}

export async function markDeployed(kubectl: Kubectl, { metadata: { name } }: KubernetesObject, signal: AbortSignal): Promise<Result<void>> {
  const marked = await kubectl.text(
    ['annotate', `secrets/${name}`, `${stateAnnotation}=deployed`, '--overwrite', '--field-manager=deliver'],
    {
      signal,
    },
  );
  return marked.ok ? ok(undefined) : marked;
}

export async function removeRecords(kubectl: Kubectl, names: readonly string[], signal: AbortSignal): Promise<Result<void>> {
  if (names.length === 0) return ok(undefined);
  const removed = await kubectl.text(['delete', 'secrets', ...names, '--ignore-not-found', '--wait=false'], { signal });
  return removed.ok ? ok(undefined) : removed;
}

/** Returns the record of a release. */
export function recordWith(records: readonly StoredRecord[], release: Release): Result<ReleaseRecord> {
  const found = records.find((record) => record.release.id === release.id);
  if (found) return found.read();
  const available = records.flatMap((record) => (record.isDeployed ? [shortCommit(record.release.commit)] : [])).join(', ');
  return fail('delivery', `the cluster keeps no record of ${shortCommit(release.commit)}`, {
    hint: available === '' ? 'deliver that commit again' : `it keeps ${available}; deliver that commit again`,
  });
}
