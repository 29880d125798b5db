import { randomUUID } from 'node:crypto';
import * as path from 'node:path';
import { foreignVariable } from '../../process/step-environment';
import type { Say } from '../environment';
import { lastLine, runProgram, type ProgramEnd } from '../../process/program';
import { troubleOf, type Answer, type Unanswered } from './kubectl-failure';

export interface KubectlPlace {
  /** Always named: what the current context is, nobody who delivers should have to know. */
  readonly context: string;
  /** Absent until it is known. */
  readonly namespace?: string;
  /** Where it runs. Nothing of it is read. */
  readonly folder: string;
  /** What its processes are marked with. */
  readonly mark: string;
}

export interface KubectlOptions {
  readonly signal: AbortSignal;
  /** What it reads. */
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly stdout?: Say;
  readonly stderr?: Say;
  /** It goes on until it is ended: no single request of it is limited. */
  readonly endless?: boolean;
}

/** How long one request may take. */
const requestSeconds = 15;
/** How long a call may take that is no long one: credentials plugins may open a browser. */
const callMs = 60_000;

/**
 * The user's own kubectl, with its contexts and its credentials plugins. It gets the user's environment, which those
 * plugins may need anything of; a release gets nothing of it, for manifests are rendered without (`manifests.ts`).
 */
export class Kubectl {
  constructor(readonly place: KubectlPlace) {}

  /** A call of which the output is the answer. */
  async text(args: readonly string[], options: KubectlOptions): Promise<Answer<string>> {
    const end = await this.run(args, options);
    return end.exitCode === 0 ? { ok: true, value: end.stdout } : this.trouble(end);
  }

  /** A call that answers JSON. */
  async json<T>(args: readonly string[], options: KubectlOptions): Promise<Answer<T>> {
    const answer = await this.text([...args, '--output=json'], options);
    if (!answer.ok) return answer;
    try {
      return { ok: true, value: JSON.parse(answer.value) as T };
    } catch {
      const message = `kubectl answered no JSON: ${lastLine(answer.value) ?? 'nothing'}`;
      return { ok: false, trouble: 'other', failure: { kind: 'machinery', message } };
    }
  }

  trouble(end: ProgramEnd): Unanswered {
    return troubleOf(end, this.place.context);
  }

  /** `local`: it asks no cluster, and must not depend on a context that may not be there. */
  async run(args: readonly string[], options: KubectlOptions, reach: 'cluster' | 'local' = 'cluster'): Promise<ProgramEnd> {
    const { endless, timeoutMs = endless ? undefined : callMs, ...rest } = options;
    const { context, namespace = 'default', folder, mark } = this.place;
    const limit = endless ? [] : [`--request-timeout=${requestSeconds}s`];
    return runProgram({
      program: 'kubectl',
      args: reach === 'local' ? args : [...args, `--context=${context}`, `--namespace=${namespace}`, ...limit],
      // Each call is ended for itself, also where another process makes some for the same run.
      mark: { run: mark, step: `kubectl-${randomUUID()}` },
      folder,
      env: kubectlEnvironment(process.env),
      ...rest,
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
  }
}

/** The user's environment, without what an editor or a package manager left there, and with paths that hold in any folder. */
export function kubectlEnvironment(base: NodeJS.ProcessEnv): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) if (value !== undefined && !foreignVariable.test(name)) env[name] = value;
  const files = env['KUBECONFIG']?.split(path.delimiter).map((file) => (file === '' ? file : path.resolve(file)));
  return { ...env, ...(files && { KUBECONFIG: files.join(path.delimiter) }) };
}
