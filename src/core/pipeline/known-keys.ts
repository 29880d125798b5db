import type { $ZodType, $ZodTypes } from 'zod/v4/core';
import { definition } from './definition';
import type { Path } from './document';

/** The keys that the definition knows in the mapping at a path of the file. */
export function knownKeys(path: Path): string[] {
  return [...new Set(at(definition, path).flatMap((type) => (type._zod.def.type === 'object' ? Object.keys(type._zod.def.shape) : [])))];
}

function at(type: $ZodType, path: Path): $ZodTypes[] {
  const known = type as $ZodTypes;
  const { def } = known._zod;
  if (def.type === 'optional') return at(def.innerType, path);
  if (def.type === 'union') return def.options.flatMap((option) => at(option, path));
  const [key, ...rest] = path;
  if (key === undefined) return [known];
  if (def.type === 'record') return at(def.valueType, rest);
  if (def.type === 'array') return at(def.element, rest);
  const inner = def.type === 'object' ? def.shape[String(key)] : undefined;
  return inner ? at(inner, rest) : [];
}
