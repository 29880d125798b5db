import { BuildLog } from './build-log';
import type { JenkinsApi } from './jenkins-api';

/** Each holds the end of its log in memory (`mostHeld`). */
const mostLogs = 8;

/** The logs that were asked for lately. */
export class BuildLogs {
  private readonly logs = new Map<number, BuildLog>();

  /** `most`: bytes of each that are held. */
  constructor(
    private readonly server: JenkinsApi,
    private readonly most: number,
  ) {}

  /** What was not asked for the longest is forgotten, and read anew when it is. */
  of(number: number): BuildLog {
    const log = this.logs.get(number) ?? new BuildLog(this.server, number, this.most);
    this.logs.delete(number);
    for (const oldest of this.logs.keys()) {
      if (this.logs.size < mostLogs) break;
      this.logs.delete(oldest);
    }
    this.logs.set(number, log);
    return log;
  }
}
