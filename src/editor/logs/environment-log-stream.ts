import * as fs from 'node:fs';
import * as path from 'node:path';
import type { AttendedCli, Cli } from '../app/cli';

/** A followed log of more than this begins anew. */
const largest = 20 << 20;
/** So many logs are followed at once; the one that was asked for first ends. */
const most = 4;

/** Logs that an environment has to be asked for: each is followed into a file, which is shown like any other. */
export class EnvironmentLogStream {
  private readonly followed = new Map<string, AttendedCli>();

  constructor(
    private readonly cli: Cli,
    private readonly folder: string,
    /** Where the command line is called: the definitions of a repository may name the environment. */
    private readonly root: () => string,
  ) {}

  /** The file that the log of a service comes into. */
  async open(environment: string, service: string): Promise<string> {
    fs.mkdirSync(this.folder, { recursive: true });
    const file = path.join(this.folder, `${environment}-${service}-${process.pid}.log`);
    this.followed.get(file)?.end();
    let size = 0;
    fs.writeFileSync(file, '');
    const args = ['environment', 'logs', environment, '--service', service, '--lines', '1000', '--follow'];
    const watch = this.cli.attend(args, this.root(), {
      output: (bytes) => {
        if (size + bytes.length > largest) fs.writeFileSync(file, '');
        size = size + bytes.length > largest ? bytes.length : size + bytes.length;
        fs.appendFileSync(file, bytes);
      },
    });
    this.followed.delete(file);
    this.followed.set(file, watch);
    const [oldest] = this.followed;
    if (this.followed.size > most && oldest) {
      oldest[1].end();
      this.followed.delete(oldest[0]);
    }
    return file;
  }

  dispose(): void {
    for (const watch of this.followed.values()) watch.end();
  }
}
