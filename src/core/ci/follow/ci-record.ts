import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RepositoryHome } from '../../support/home';
import { writeAtomically } from '../../support/write-atomically';
import type { RemoteDeployment, CiFailure } from '../ci-client';

/** What a CI service said last of a service, as the watching process leaves it for all windows. */
export interface CiRecord {
  readonly service: string;
  readonly name: string;
  readonly label: string;
  readonly place: string;
  /** Where its token goes. */
  readonly host: string;
  /** When it last answered (ISO 8601); absent: never. */
  readonly toldAt?: string;
  /** Why what is known of it may be old. */
  readonly failure?: Pick<CiFailure, 'reason' | 'message' | 'hint' | 'retryAt'>;
  readonly deployments: readonly RemoteDeployment[];
}

export function engineRecordsFolder(home: RepositoryHome): string {
  return path.join(home.folder, 'engines');
}

export function keepEngineRecord(home: RepositoryHome, record: CiRecord): void {
  writeAtomically(path.join(engineRecordsFolder(home), `${record.service}.json`), record);
}

export function readEngineRecord(home: RepositoryHome, service: string): CiRecord | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(engineRecordsFolder(home), `${service}.json`), 'utf8')) as CiRecord;
  } catch {
    return undefined; // none yet, or torn: it is written again soon
  }
}
