import { BuildLog } from './build-log';
import type { JenkinsApi } from './jenkins-api';

/** Each has a temporary file. */
const mostLogs = 8;

/** The logs of the builds that were read last. */
export class BuildLogs {
  private readonly logs = new Map<number, BuildLog>();

  constructor(private readonly server: JenkinsApi) {}

  /** Closes the log that was not read for the longest, which is downloaded again when it is wanted. */
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
