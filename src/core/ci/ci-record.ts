import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RepositoryHome } from '../support/home';
import { writeAtomically } from '../support/files';
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

export function ciRecordsFolder(home: RepositoryHome): string {
  return path.join(home.folder, 'engines');
}

export function writeCiRecord(home: RepositoryHome, record: CiRecord): void {
  writeAtomically(path.join(ciRecordsFolder(home), `${record.service}.json`), record);
}

export function readCiRecord(home: RepositoryHome, service: string): CiRecord | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(ciRecordsFolder(home), `${service}.json`), 'utf8')) as CiRecord;
  } catch {
    return undefined; // missing, or partly written: the leader writes it again soon
  }
}
