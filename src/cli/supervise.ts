import { supervise as superviseEnvironment } from '../core/environments/process/supervisor';
import { homeFolder } from '../core/support/home';

/** `deliver supervise NAME`: supervises an environment until it is stopped. */
export async function supervise(name: string): Promise<number> {
  await superviseEnvironment(name, homeFolder());
  return 0;
}
