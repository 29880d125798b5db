import type { Environment } from '../environments/environment';

const maxLines = 1000;
const timeoutMs = 10_000;

/** Returns the last lines that the live release printed, under a heading; empty if it printed nothing or has no log. */
export async function releaseOutput(environment: Environment, service: string): Promise<string> {
  const chunks: Buffer[] = [];
  await environment.logs(service, { lines: maxLines }, (bytes) => chunks.push(Buffer.from(bytes)), AbortSignal.timeout(timeoutMs));
  const text = Buffer.concat(chunks).toString('utf8');
  return text.trim() === '' ? '' : `\n--- the output of ${service} in ${environment.name} ---\n${text.replace(/\n?$/, '\n')}`;
}
