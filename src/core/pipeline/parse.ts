import { parse } from 'yaml';
import { ciServices } from '../ci/registry';
import { environmentKinds } from '../environments/registry';
import { sourceKinds } from '../feedback/registry';
import type { CheckedHealth, DefinitionKind, SettingsReader } from '../model/definition-kind';
import type { CiDefinition, EnvironmentDefinition, Feedback, HealthDefinition, Pipeline, SourceDefinition, Step } from '../model/pipeline';
import type { Failure } from '../model/result';
import { milliseconds } from '../support/format';
import { present } from '../support/json-value';
import { definition, type Definition } from './definition';
import { readDocument, type Path, type SourceDocument } from './document';
import { explain, knownKeys } from './explain';
import { checkReferences } from './references';

const maxErrors = 100;

/**
 * Returns the pipeline that a `delivery.yaml` defines, or every error of the file with its place, in the order of the lines. `path`
 * appears only in the errors. Takes bounded time for any content.
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
  for (const { path: at, message, hint, atKey } of all.slice(0, maxErrors + 1)) errors.push(document.failure(at, message, { hint, atKey }));
  if (errors.length > 0 || !checked.success) return { errors: inOrder(errors, Math.max(0, all.length - maxErrors - 1)) };
  return { pipeline: pipelineOf(checked.data, document), errors: [] };
}

/** Returns the name of the service, also from a file with errors. */
export function serviceName(text: string): string | undefined {
  try {
    const content = parse(text, { maxAliasCount: 10 }) as { service?: unknown } | null;
    return typeof content?.service === 'string' ? content.service : undefined;
  } catch {
    return undefined; // The text is not YAML.
  }
}

/** `unlisted` is the number of further errors that have no place. */
function inOrder(errors: readonly Failure[], unlisted = 0): Failure[] {
  const sorted = [...errors].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  const shown = sorted.slice(0, maxErrors);
  const last = shown.at(-1);
  const more = sorted.length - shown.length + unlisted;
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
  return present({
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
    release: file.release,
    feedback: file.feedback && feedbackOf(file.feedback, document),
    engine: file.engine === undefined ? undefined : engineOf(file.engine, document),
  });
}

function stepOf(name: string, step: Definition['steps'][string], document: SourceDocument): Step {
  const { needs = [], run, deploy, verifies, inputs, outputs, env, secrets, reports, problems, timeout, retries } = step;
  return present({
    name,
    needs: [...new Set(listOf(needs))],
    run,
    deploy,
    verifies,
    inputs,
    outputs: outputs ?? [],
    env: variablesOf(env, ['steps', name, 'env'], document),
    inherits: inheritedOf(env),
    secrets: secrets ?? [],
    reports: reports ?? [],
    problems,
    timeoutMs: timeout === undefined ? undefined : milliseconds(timeout),
    retries: retries ?? 0,
  });
}

type Environment = NonNullable<Definition['environments']>[string];

function environmentOf({ watch = '60s', ...value }: Environment, at: Path, document: SourceDocument): EnvironmentDefinition {
  const { kind, settings } = settingsOf(environmentKinds, value, at, document);
  return { kind, settings, watchMs: watch === 'off' ? 0 : milliseconds(watch) };
}

function feedbackOf(
  { sources = [], components = {}, paths = {} }: NonNullable<Definition['feedback']>,
  document: SourceDocument,
): Feedback {
  return {
    sources: sources.map((source, index): SourceDefinition => settingsOf(sourceKinds, source, ['feedback', 'sources', index], document)),
    components: Object.fromEntries(Object.entries(components).map(([name, globs]) => [name, listOf(globs)])),
    paths,
  };
}

function engineOf(engine: NonNullable<Definition['engine']>, document: SourceDocument): CiDefinition | undefined {
  if (typeof engine === 'string') return engine === 'local' ? undefined : { kind: engine };
  const { kind, settings } = settingsOf(ciServices, engine, ['engine'], document);
  return { kind, ...settings };
}

/** Reads the value under the only key, which is that of a kind. */
function settingsOf<Settings>(
  kinds: readonly DefinitionKind<unknown, Settings>[],
  value: Readonly<Record<string, unknown>>,
  at: Path,
  document: SourceDocument,
): { readonly kind: string; readonly settings: Settings } {
  const kind = kinds.find((each) => value[each.kind] !== undefined);
  if (!kind) throw new Error(`no kind at ${at.join('.')}`);
  const settings = kind.parse(value[kind.kind], readerAt([...at, kind.kind], document));
  return { kind: kind.kind, settings: isMapping(settings) ? present(settings) : settings };
}

function readerAt(at: Path, document: SourceDocument): SettingsReader {
  return { variables: (env) => variablesOf(env, [...at, 'env'], document), health: healthOf, list: (value) => listOf(value ?? []) };
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

function healthOf({ path, command, timeout = '30s' }: CheckedHealth = {}): HealthDefinition {
  const timeoutMs = milliseconds(timeout);
  if (path !== undefined) return { probe: { http: path }, timeoutMs };
  if (command !== undefined) return { probe: { command }, timeoutMs };
  return { probe: { tcp: true }, timeoutMs };
}

function variablesOf(env: Readonly<Record<string, unknown>> = {}, at: Path, document: SourceDocument): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, typeof value === 'string' ? value : (document.written([...at, name]) ?? String(value))]),
  );
}

/** Returns the variables without a value, which a step takes from the environment; undefined for none. */
function inheritedOf(env: Readonly<Record<string, unknown>> = {}): string[] | undefined {
  const names = Object.keys(env).filter((name) => env[name] === null);
  return names.length === 0 ? undefined : names;
}
