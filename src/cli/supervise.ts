import { supervise as superviseEnvironment } from '../core/environments/process/supervisor';
import { homeFolder } from '../core/home';

/** The command that starts an environment's supervisor: this same program. */
export function supervisorCommand(): string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? '', 'supervise'];
}

/** `deliver supervise NAME`: stays until the environment is stopped. */
export async function supervise(name: string): Promise<number> {
  await superviseEnvironment(name, homeFolder());
  return 0;
}
