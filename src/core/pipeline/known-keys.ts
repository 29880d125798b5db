import type { $ZodType, $ZodTypes } from 'zod/v4/core';
import { definition } from './definition';
import type { Path } from './document';

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
