import { BuildLog } from './build-log';
import type { JenkinsApi } from './jenkins-api';

/** Of what is held in memory, all of them together. */
const most = { logs: 8, bytes: 64 << 20 };

/** The logs that were asked for lately. */
export class BuildLogs {
  private readonly logs = new Map<number, BuildLog>();

  constructor(private readonly server: JenkinsApi) {}

  /** What was not asked for the longest is forgotten, and read anew when it is. */
  of(number: number): BuildLog {
    const log = this.logs.get(number) ?? new BuildLog(this.server, number);
    this.logs.delete(number);
    let bytes = [...this.logs.values()].reduce((sum, { size }) => sum + size, log.size);
    for (const [other, { size }] of this.logs) {
      if (this.logs.size < most.logs && bytes <= most.bytes) break;
      this.logs.delete(other);
      bytes -= size;
    }
    this.logs.set(number, log);
    return log;
  }
}
