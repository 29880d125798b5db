import type { $ZodIssue, $ZodType, $ZodTypes } from 'zod/v4/core';
import { findCiService } from '../ci/registry';
import { type Path, shortened } from './document';
import { closest } from '../support/similarity';
import { definition } from './definition';

/** An error as a sentence, with its path. `atKey`: the key is wrong, not its value. */
export interface Explained {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly atKey?: boolean;
}

/** Returns the keys that the definition allows at a path. */
export type KnownKeys = (path: Path) => readonly string[];

const kinds: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  record: 'a mapping',
  object: 'a mapping',
};

/** Explains a violation of the definition in sentences. `value` returns the content of the file at a path. */
export function explain(issue: $ZodIssue, value: (path: Path) => unknown, known: KnownKeys, base: Path = []): Explained[] {
  const path = [...base, ...issue.path];
  const label = nameOf(path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, known(path)));
    case 'invalid_key':
      return [
        { path, atKey: true, message: `\`${shortened(String(path.at(-1)))}\` is not a valid name: ${issue.issues[0]?.message ?? ''}` },
      ];
    case 'invalid_union': {
      const found = value(path);
      if (found === undefined) return [missing(path)];
      // The author meant the alternative that matched furthest.
      const isOther = ({ path: at, code }: $ZodIssue): boolean => at.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
      const word = typeof found === 'string' ? issue.errors.find(([error]) => error?.code === 'invalid_value') : undefined;
      const inside = word ?? issue.errors.find((errors) => errors.length > 0 && !errors.some(isOther));
      if (inside) return inside.flatMap((error) => explain(error, value, known, path));
      const expected = [
        ...new Set(issue.errors.flat().flatMap((error) => (error.code === 'invalid_type' ? [kindOf(error.expected)] : []))),
      ];
      return [{ path, message: `${label} is ${expected.join(' or ')}, not ${nameOfKind(found)}`, hint: quoteHint(found, expected) }];
    }
    case 'invalid_type': {
      const found = value(path);
      if (found === undefined) return [missing(path)];
      const expected = kindOf(issue.expected);
      return [{ path, message: `${label} is ${expected}, not ${nameOfKind(found)}`, hint: typeHint(path, found, expected) }];
    }
    case 'invalid_value':
      return [{ path, message: `${label} can only be ${issue.values.map(String).join(' or ')}`, hint: engineHint(path, value(path)) }];
    case 'too_small':
      return [{ path, message: `${label} is at least ${String(issue.minimum)}` }];
    case 'too_big':
      return [{ path, message: `${label} is at most ${String(issue.maximum)}` }];
    case 'custom':
      if (typeof value(path) === 'string') return [{ path, message: `${label}: ${issue.message}` }];
      return [{ path, message: issue.message, atKey: true }];
    case 'invalid_format':
      return [{ path, message: `${label}: ${issue.message}` }];
    case 'not_multiple_of':
    case 'invalid_element':
      return [{ path, message: `${label} is not valid` }];
  }
}

function missing(path: Path): Explained {
  return { path, message: `\`${String(path.at(-1))}\` is missing${within(path)}` };
}

function unknownKey(path: Path, key: string, known: readonly string[]): Explained {
  const similar = closest(key, known);
  const hint = similar ? `did you mean \`${similar}\`?` : known.length > 0 ? `known here: ${known.join(', ')}` : undefined;
  return { path: [...path, key], atKey: true, message: `unknown key \`${shortened(key)}\`${within([...path, key])}`, hint };
}

function nameOf(path: Path): string {
  const key = path.at(-1);
  if (key === undefined) return 'the file';
  if (typeof key === 'number') return `an entry of \`${String(path.findLast((part) => typeof part === 'string') ?? '')}\``;
  return `\`${shortened(String(key))}\``;
}

/** Returns the place of a key for a sentence: ` in step build`. */
function within(path: Path): string {
  const [section, name] = path;
  if (path.length < 3) return '';
  if (section === 'steps') return ` in step ${String(name)}`;
  if (section === 'environments') return ` in environment ${String(name)}`;
  return ` in \`${String(section)}\``;
}

function kindOf(expected: string): string {
  return kinds[expected] ?? expected;
}

function nameOfKind(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return 'text';
  return typeof value === 'number' ? 'a number' : 'true or false';
}

function typeHint(path: Path, found: unknown, expected: string): string | undefined {
  if (expected === 'a list' && typeof found === 'string') return `write it as a list: [${shortened(found)}]`;
  if (path.at(-1) === 'timeout' && typeof found === 'number') return `write it with a unit: ${found}s`;
  return quoteHint(found, [expected]);
}

function engineHint(path: Path, found: unknown): string | undefined {
  if (path.length !== 1 || path[0] !== 'engine' || typeof found !== 'string') return undefined;
  const settings = findCiService(found)?.requiredSettings;
  return settings === undefined ? undefined : `write it as ${found}: ${settings}`;
}

function quoteHint(found: unknown, expected: readonly string[]): string | undefined {
  const plain = typeof found === 'number' || typeof found === 'boolean';
  return plain && expected.includes('text') ? `put it in quotes: "${String(found)}"` : undefined;
}

/** Returns the keys that the definition allows in the mapping at a path of the file. */
export function knownKeys(path: Path): string[] {
  return [
    ...new Set(typesAt(definition, path).flatMap((type) => (type._zod.def.type === 'object' ? Object.keys(type._zod.def.shape) : []))),
  ];
}

function typesAt(type: $ZodType, path: Path): $ZodTypes[] {
  const known = type as $ZodTypes;
  const { def } = known._zod;
  if (def.type === 'optional') return typesAt(def.innerType, path);
  if (def.type === 'union') return def.options.flatMap((option) => typesAt(option, path));
  const [key, ...rest] = path;
  if (key === undefined) return [known];
  if (def.type === 'record') return typesAt(def.valueType, rest);
  if (def.type === 'array') return typesAt(def.element, rest);
  const inner = def.type === 'object' ? def.shape[String(key)] : undefined;
  return inner ? typesAt(inner, rest) : [];
}
