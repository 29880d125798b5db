import type * as z from 'zod/mini';
import type { HealthDefinition } from './pipeline';

/**
 * A kind of environment, CI service or feedback source, as far as `delivery.yaml` is concerned. The parser and the JSON schema
 * are built from it. `Checked` is a value that the schema accepts; `Settings` is the part of the pipeline that it becomes.
 */
export interface DefinitionKind<Checked = unknown, Settings = unknown> {
  /** The key in `delivery.yaml`. */
  readonly kind: string;
  /** Builds the schema of the value. Only the parser calls it, so that nothing else loads zod. */
  schema(blocks: SchemaBlocks): z.ZodMiniType<Checked>;
  parse(checked: Checked, reader: SettingsReader): Settings;
}

/** The parts that schemas are built from. A schema without a description fails the tests. */
export interface SchemaBlocks {
  /** The functions of zod that descriptors use. */
  readonly z: Pick<
    typeof z,
    | 'array'
    | 'boolean'
    | 'enum'
    | 'gte'
    | 'int'
    | 'literal'
    | 'lte'
    | 'meta'
    | 'number'
    | 'optional'
    | 'record'
    | 'regex'
    | 'strictObject'
    | 'string'
    | 'union'
  >;
  readonly describe: (description: string) => z.core.$ZodCheck<unknown>;
  /** Fails with `message` unless the mapping has exactly one of the keys. */
  readonly exactlyOne: (keys: readonly string[], message: string) => z.core.$ZodCheck<unknown>;
  /** Fails with `message` unless a mapping that has `key` also has `other`. */
  readonly together: (key: string, other: string, message: string) => z.core.$ZodCheck<unknown>;
  /** Text that is not blank. */
  readonly text: z.ZodMiniString;
  readonly command: z.ZodMiniString;
  /** `300ms`, `30s`, `5m` or `1h`. */
  readonly duration: z.ZodMiniString;
  /** An `https://` or `http://` address. */
  readonly address: z.ZodMiniString;
  /** A path or glob inside the service's folder. */
  readonly path: z.ZodMiniString;
  readonly paths: z.ZodMiniType<readonly string[]>;
  /** A path or several: see {@link SettingsReader.list}. */
  readonly pathOrPaths: z.ZodMiniType<string | readonly string[]>;
  /** Environment variables: see {@link SettingsReader.variables}. */
  readonly variables: z.ZodMiniType<Readonly<Record<string, string | number | boolean>>>;
  /** When a release is healthy: see {@link SettingsReader.health}. */
  readonly health: z.ZodMiniType<CheckedHealth>;
  /** The git remote that changes are pushed to. */
  readonly remote: z.ZodMiniType<string | undefined>;
  /** The optional address of your own server, where there is a public one. */
  readonly server: z.ZodMiniType<string | undefined>;
}

export interface CheckedHealth {
  readonly path?: string;
  readonly tcp?: true;
  readonly command?: string;
  readonly timeout?: string;
}

/** Turns checked values into settings. */
export interface SettingsReader {
  /** Returns environment variables as the file writes them: `1.10` stays `1.10`. They are those of the kind's key `env`. */
  readonly variables: (env: Readonly<Record<string, unknown>> | undefined) => Readonly<Record<string, string>>;
  readonly health: (health: CheckedHealth | undefined) => HealthDefinition;
  readonly list: (value: string | readonly string[] | undefined) => readonly string[];
}
