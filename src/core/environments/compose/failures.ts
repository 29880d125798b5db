import { fail, type Result } from '../../model/result';
import { lastLine, type ProgramEnd } from '../../process/program';
import { PlainLines } from '../../support/terminal-text';

const maxLines = 4;

/** Lines of a build failure, the most informative first. */
const buildReasons = [/non-zero code|did not complete successfully/i, /parse error|Cannot locate|failed to read/i, /failed to/i];

/** Explains from its output why compose could not build or start the service. */
export function startFailure(service: string, environment: string, end: ProgramEnd): Result<never> {
  const text = `${end.stdout}\n${end.stderr}`;
  const failed = `${service} could not be started in ${environment}`;
  const match =
    /(?:Bind for|listen tcp4?|exposing port TCP)\s+(?:\S*?:)?(\d+)(?:\s*->\s*\S+)?:?\s.*(?:failed|in use|not available)|port (\d+)\S* is already/i.exec(
      text,
    );
  const port = match?.[1] ?? match?.[2];
  if (match || /port is already allocated|address already in use/.test(text))
    return fail('delivery', `${failed}: ${port === undefined ? 'its port' : `port ${port}`} is in use`, {
      hint: 'publish another port in the compose file (it may come from `compose.env`), or none: Deliver publishes `port` automatically',
    });
  const name = /container name "\/?([^"]+)" is already in use/.exec(text)?.[1];
  if (name !== undefined)
    return fail('delivery', `${failed}: a container named ${name} already exists`, {
      hint: `remove it if it is not needed: docker rm -f ${name}`,
    });
  const pull =
    /(?:pull access denied|manifest (?:for \S+ )?(?:unknown|not found)|repository does not exist|failed to resolve reference|error pulling image|unauthorized: |toomanyrequests|registry\S*: (?:no such host|i\/o timeout|connection refused|server misbehaving)|no such image|Get "?https?:\/\/\S+\/v2\/)/i;
  if (pull.test(text)) {
    const line = linesOf(text).findLast((candidate) => pull.test(candidate)) ?? '';
    return fail('delivery', `${failed}: an image cannot be pulled: ${withoutPrefix(line)}`, {
      hint: 'check its name, and sign in to its registry (docker login)',
    });
  }
  const build =
    /(?:failed to solve|failed to build|Build failed|returned a non-zero code|did not complete successfully|dockerfile parse error|Cannot locate (?:specified )?Dockerfile|failed to read dockerfile)/i;
  if (build.test(text)) {
    const lines = linesOf(text);
    const line =
      buildReasons.map((reason) => lines.findLast((candidate) => reason.test(candidate))).find((candidate) => candidate !== undefined) ??
      '';
    return fail('delivery', `${service} could not be built for ${environment}: ${withoutPrefix(line)}`);
  }
  return fail('delivery', `${failed}: ${lastMessage(end)}`);
}

/** Explains from compose's output why a compose file is invalid. */
export function configFailure(files: readonly string[], end: ProgramEnd): Result<never> {
  const lines = linesOf(end.stderr).filter((line) => !/^(WARNING|time="[^"]*" level=warning)/.test(line));
  const message = lines.slice(0, maxLines).map(withoutPrefix).join(' ').trim() || lastMessage(end);
  return fail('usage', `compose cannot read ${files.join(', ')}: ${message}`);
}

/** Returns whether a call failed because the engine is not reachable. */
export function isEngineUnreachable({ stdout, stderr }: ProgramEnd): boolean {
  return /cannot connect to|error during connect|is the docker daemon running|permission denied while trying to connect/i.test(
    stdout + stderr,
  );
}

/** Explains why the engine does not answer. */
export function engineFailure(engine: string, end: ProgramEnd): Result<never> {
  const text = `${end.stdout}\n${end.stderr}`;
  if (/permission denied/i.test(text))
    return fail('usage', `this user may not use ${engine}`, {
      hint: 'add the user to the docker group (sudo usermod -aG docker $USER) and sign in again, or name another engine in DOCKER_HOST',
    });
  return fail('usage', `${engine} does not answer: ${lastMessage(end)}`, {
    hint:
      engine === 'docker'
        ? 'start Docker (sudo systemctl start docker, or Docker Desktop), or name another engine in DOCKER_HOST'
        : 'start it (podman machine start)',
  });
}

/** Returns the message of a call that failed for an unknown reason. */
export function lastMessage(end: ProgramEnd): string {
  if (end.ended === 'timeout') return 'it timed out';
  if (end.ended === 'cancelled') return 'cancelled';
  if (end.ended === 'missing') return 'the program could not be started';
  const output = lastLine(end.stderr) ?? lastLine(end.stdout);
  return output === undefined ? `exit code ${end.exitCode ?? 'unknown'}, without output` : withoutPrefix(output);
}

function linesOf(text: string): string[] {
  const lines = new PlainLines();
  return [...lines.take(text), ...lines.end()].map((line) => line.trim()).filter((line) => line !== '');
}

function withoutPrefix(line: string): string {
  return line
    .replace(/^(?:ERROR:|Error response from daemon:|error during connect:|Error:)\s*/i, '')
    .replace(/^for \S+\s+/, '')
    .trim();
}
