import * as fs from 'node:fs';
import { recordOf } from './json-value';

/** Returns whether a value of unknown origin has the expected form. */
export type Check = (value: unknown) => boolean;

export const isText: Check = (value) => typeof value === 'string';
/** An ISO 8601 time. */
export const isTime: Check = (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
export const isNumber: Check = (value) => Number.isFinite(value);
export const isObject: Check = (value) => recordOf(value) !== undefined;

export function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

export function oneOf(...values: readonly string[]): Check {
  return (value) => values.includes(value as string);
}

export function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/** Checks the listed properties of an object. A newer version of Deliver may have written more. */
export function shape(properties: Readonly<Record<string, Check>>): Check {
  const checks = Object.entries(properties);
  return (value) => {
    const record = recordOf(value);
    return record !== undefined && checks.every(([name, check]) => check(record[name]));
  };
}

export const isIdentity = shape({ pid: isNumber, startedAt: isText });
export const isRelease = shape({ id: isText, commit: isText, tree: isText, deployedAt: isTime });
export const isArtifact = shape({ slot: isText, folder: isText });

/** A record whose content is not what Deliver writes. */
export class DamagedRecord extends Error {
  constructor(file: string) {
    super(`${file} is damaged: it does not contain what Deliver writes`);
  }
}

/** Returns the JSON in a file, or undefined if there is none. Throws if it cannot be read or has another form. */
export function readRecord<T>(file: string, check: Check): T | undefined {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DamagedRecord(file);
  }
  if (!check(value)) throw new DamagedRecord(file);
  return value as T;
}

/** Returns the JSON in a file, or undefined if it is missing or damaged. For content that Deliver can create again. */
export function readCached<T>(file: string, check: Check): T | undefined {
  try {
    return readRecord<T>(file, check);
  } catch {
    return undefined;
  }
}
