import { parse } from 'yaml';
import type { Failure } from '../model/result';
import { definition, type Definition } from './definition';
import { readDocument, type Path, type SourceDocument } from './document';
import { explain } from './explain';
import { knownKeys } from './known-keys';
import type { CiDefinition, EnvironmentDefinition, Feedback, HealthDefinition, Pipeline, SourceDefinition, Step } from '../model/pipeline';
import { checkReferences } from './references';

const mostErrors = 100;

/**
 * The pipeline that a `delivery.yaml` defines, or every error of the file with its place, in the order
 * of the lines. `path` is only named in the errors. Takes at most a moment for any content.
 */
export function parsePipeline(text: string, path: string): { pipeline?: Pipeline; errors: Failure[] } {
  const { document, errors } = readDocument(text, path);
  if (!document) return { errors: inOrder(errors) };
  if (document.value === null || document.value === undefined) {
    return { errors: [document.failure([], 'the file is empty', { hint: 'deliver init writes a first one' })] };
  }
  const checked = definition.safeParse(document.value);
  const violations = checked.success
    ? []
    : checked.error.issues.flatMap((issue) => explain(issue, (at) => valueAt(document.value, at), knownKeys));
  const all = [...violations, ...checkReferences(document.value)];
  for (const { path: at, message, hint, atKey } of all.slice(0, mostErrors + 1)) {
    errors.push(document.failure(at, message, { hint, ...(atKey ? { atKey } : {}) }));
  }
  if (errors.length > 0 || !checked.success) return { errors: inOrder(errors, Math.max(0, all.length - mostErrors - 1)) };
  return { pipeline: pipelineOf(checked.data, document), errors: [] };
}

/** The name alone, also of a file with errors. */
export function serviceName(text: string): string | undefined {
  try {
    const content = parse(text, { maxAliasCount: 10 }) as { service?: unknown } | null;
    return typeof content?.service === 'string' ? content.service : undefined;
  } catch {
    return undefined; // no YAML
  }
}

function inOrder(errors: readonly Failure[], unplaced = 0): Failure[] {
  const sorted = [...errors].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  const shown = sorted.slice(0, mostErrors);
  const last = shown.at(-1);
  const more = sorted.length - shown.length + unplaced;
  return more > 0 && last ? [...shown, { ...last, message: `and ${more} more errors`, hint: 'mend these first' }] : shown;
}

function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<PropertyKey, unknown>)[part];
  }
  return found;
}

function pipelineOf(file: Definition, document: SourceDocument): Pipeline {
  const feedback = file.feedback && feedbackOf(file.feedback);
  const engine = file.engine && engineOf(file.engine);
  return {
    service: file.service,
    steps: document.keys(['steps']).flatMap((name) => {
      const step = file.steps[name];
      return step ? [stepOf(name, step, document)] : [];
    }),
    environments: Object.fromEntries(
      Object.entries(file.environments ?? {}).map(([name, environment]) => [
        name,
        environmentOf(environment, ['environments', name], document),
      ]),
    ),
    ...(file.release === undefined ? {} : { release: file.release }),
    ...(feedback ? { feedback } : {}),
    ...(engine ? { engine } : {}),
  };
}

function stepOf(name: string, step: Definition['steps'][string], document: SourceDocument): Step {
  const { run, deploy, verifies, inputs, problems, timeout } = step;
  return {
    name,
    needs: [...new Set(typeof step.needs === 'string' ? [step.needs] : (step.needs ?? []))],
    ...(run === undefined ? {} : { run }),
    ...(deploy === undefined ? {} : { deploy }),
    ...(verifies === undefined ? {} : { verifies }),
    ...(inputs === undefined ? {} : { inputs }),
    outputs: step.outputs ?? [],
    env: variablesOf(step.env, ['steps', name, 'env'], document),
    secrets: step.secrets ?? [],
    reports: step.reports ?? [],
    ...(problems === undefined ? {} : { problems }),
    ...(timeout === undefined ? {} : { timeoutMs: milliseconds(timeout) }),
    retries: step.retries ?? 0,
  };
}

type Environment = NonNullable<Definition['environments']>[string];

function environmentOf(environment: Environment, at: Path, document: SourceDocument): EnvironmentDefinition {
  const { watch } = environment;
  return { watchMs: watch === 'off' ? 0 : milliseconds(watch ?? '60s'), ...placeOf(environment, at, document) };
}

/** Without what is the same for each kind. */
type Place<E = EnvironmentDefinition> = E extends EnvironmentDefinition ? Omit<E, 'watchMs'> : never;

function placeOf({ process, compose, kubernetes, command }: Environment, at: Path, document: SourceDocument): Place {
  if (process) {
    const env = variablesOf(process.env, [...at, 'process', 'env'], document);
    return { kind: 'process', process: { command: process.command, env, health: healthOf(process.health) } };
  }
  if (compose) {
    const { file, health, service, port } = compose;
    const env = variablesOf(compose.env, [...at, 'compose', 'env'], document);
    return {
      kind: 'compose',
      compose: { files: listed(file), ...present({ service, port }), env, ...(health && { health: healthOf(health) }) },
    };
  }
  if (kubernetes) {
    const { context, namespace, manifests, chart, values, workload, image, url, timeout } = kubernetes;
    const from = chart === undefined ? { manifests: listed(manifests) } : { chart: { folder: chart, values: listed(values) } };
    const settings = { context, workload, timeoutMs: milliseconds(timeout ?? '5m'), ...from, ...present({ namespace, image, url }) };
    return { kind: 'kubernetes', kubernetes: settings };
  }
  const { deploy, status, rollback, logs, stop, env, url, timeout } = command ?? { deploy: '' };
  const settings = { deploy, ...present({ status, rollback, logs, stop, url }), timeoutMs: milliseconds(timeout ?? '5m') };
  return { kind: 'command', command: { ...settings, env: variablesOf(env, [...at, 'command', 'env'], document) } };
}

function listed(value: string | readonly string[] | undefined): readonly string[] {
  return typeof value === 'string' ? [value] : (value ?? []);
}

type Health = NonNullable<NonNullable<Environment['process']>['health']>;

function healthOf(health: Health | undefined): HealthDefinition {
  const timeoutMs = milliseconds(health?.timeout ?? '30s');
  if (health?.path !== undefined) return { probe: { http: health.path }, timeoutMs };
  if (health?.command !== undefined) return { probe: { command: health.command }, timeoutMs };
  return { probe: { tcp: true }, timeoutMs };
}

function variablesOf(env: Readonly<Record<string, unknown>> | undefined, at: Path, document: SourceDocument): Record<string, string> {
  const entries = Object.entries(env ?? {});
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? value : (document.written([...at, name]) ?? String(value))]),
  );
}

function feedbackOf(feedback: NonNullable<Definition['feedback']>): Feedback {
  const components = Object.entries(feedback.components ?? {});
  return {
    sources: (feedback.sources ?? []).flatMap((source) => sourceOf(source) ?? []),
    components: Object.fromEntries(components.map(([name, globs]) => [name, listed(globs)])),
  };
}

type Source = NonNullable<NonNullable<Definition['feedback']>['sources']>[number];

function sourceOf({ file, http, sentry, github, gitlab }: Source): SourceDefinition | undefined {
  if (file !== undefined) return { kind: 'file', file };
  if (http !== undefined) {
    const { kind = 'comment', fields = {}, ...settings } = typeof http === 'string' ? { url: http } : http;
    return { kind: 'http', itemKind: kind, fields: present(fields), ...present(settings) };
  }
  if (sentry) return { kind: 'sentry', ...present(sentry) };
  if (github) return { kind: 'github', ...present({ ...github, labels: github.labels ?? [] }) };
  return gitlab && { kind: 'gitlab', ...present({ ...gitlab, labels: gitlab.labels ?? [] }) };
}

function engineOf(engine: NonNullable<Definition['engine']>): CiDefinition | undefined {
  if (typeof engine === 'string') return engine === 'local' ? undefined : { kind: engine };
  const { github, gitlab, jenkins } = engine;
  if (github) return { kind: 'github', ...present(github) };
  if (gitlab) return { kind: 'gitlab', ...present(gitlab) };
  return jenkins && { kind: 'jenkins', ...present(jenkins) };
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the keys that have no value. */
function present<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Present<T>;
}

const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Returns the milliseconds of a duration such as `300ms`, `30s`, `5m` or `1h`. */
function milliseconds(duration: string): number {
  const unit = duration.replace(/^\d+/, '') as keyof typeof durationUnits;
  return Number.parseInt(duration, 10) * durationUnits[unit];
}
