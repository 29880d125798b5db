import * as path from 'node:path';
import type { RepositoryHome } from '../support/home';
import { writeAtomically } from '../support/files';
import { isText, isTime, listOf, optional, readCached, shape } from '../support/record';
import type { CiFailure, RemoteDeployment } from './ci-client';

/** The last known state of a service's CI, written by the leader for all windows. */
export interface CiRecord {
  readonly service: string;
  readonly name: string;
  readonly label: string;
  readonly place: string;
  /** The host that its token is sent to. */
  readonly host: string;
  /** ISO 8601. Absent: it has never answered. */
  readonly toldAt?: string;
  /** The reason why this record may be outdated. */
  readonly failure?: Pick<CiFailure, 'reason' | 'message' | 'hint' | 'retryAt'>;
  readonly deployments: readonly RemoteDeployment[];
}

const isCiRecord = shape({
  service: isText,
  name: isText,
  label: isText,
  place: isText,
  host: isText,
  toldAt: optional(isTime),
  failure: optional(shape({ message: isText })),
  deployments: listOf(shape({ environment: isText, state: isText, url: isText, commit: isText, deployedAt: isTime })),
});

export function ciRecordsFolder(home: RepositoryHome): string {
  return path.join(home.folder, 'engines');
}

export function writeCiRecord(home: RepositoryHome, record: CiRecord): void {
  writeAtomically(path.join(ciRecordsFolder(home), `${record.service}.json`), record);
}

export function readCiRecord(home: RepositoryHome, service: string): CiRecord | undefined {
  // The leader soon replaces a damaged one.
  return readCached<CiRecord>(path.join(ciRecordsFolder(home), `${service}.json`), isCiRecord);
}
