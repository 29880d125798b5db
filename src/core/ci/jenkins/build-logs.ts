import { BuildLog } from './build-log';
import type { JenkinsApi } from './jenkins-api';

/** Each has a temporary file. */
const mostLogs = 8;

/** The logs that were read lately. */
export class BuildLogs {
  private readonly logs = new Map<number, BuildLog>();

  constructor(private readonly server: JenkinsApi) {}

  /** The log that was not read for the longest is forgotten, and read from its start when it is wanted again. */
  of(number: number): BuildLog {
    const log = this.logs.get(number) ?? new BuildLog(this.server, number);
    this.logs.delete(number);
    this.close(mostLogs - 1);
    this.logs.set(number, log);
    return log;
  }

  /** Forgets all logs but the latest `most`. */
  close(most = 0): void {
    for (const [number, log] of this.logs) {
      if (this.logs.size <= most) break;
      log.close();
      this.logs.delete(number);
    }
  }
}
