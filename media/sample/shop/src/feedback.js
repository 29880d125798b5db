import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const service = fileURLToPath(new URL('..', import.meta.url));
const broken = new Map();

/** Reports a comment of a customer, as one line of JSON. */
export function comment(said) {
  const body = said.trim();
  if (body === '') throw new RangeError('please say something first');
  const title = body.split('\n')[0].slice(0, 120);
  tell({ id: newId('said'), kind: 'comment', title, body, createdAt: now(), component: 'page' });
}

/** Reports an error that a customer met. A repeated error is reported again with a higher count. */
export function report(error) {
  const frames = framesOf(error);
  const key = `${error.message} ${frames[0]?.path}:${frames[0]?.line}`;
  const { id, createdAt, count } = broken.get(key) ?? { id: newId('broke'), createdAt: now(), count: 0 };
  broken.set(key, { id, createdAt, count: count + 1 });
  try {
    tell({ id, kind: 'error', title: String(error), createdAt, lastSeenAt: now(), count: count + 1, frames });
  } catch (failure) {
    // A full disk must not stop a service that still works.
    console.error(failure);
  }
}

function tell(item) {
  const { DELIVERY_FEEDBACK: file, DELIVERY_COMMIT: commit, DELIVERY_ENVIRONMENT: environment } = process.env;
  if (file) appendFileSync(file, `${JSON.stringify({ ...item, commit, environment })}\n`);
}

/** Returns the stack frames, innermost first. Files of the service have paths relative to its folder. */
function framesOf({ stack = '' }) {
  return [...stack.matchAll(/^ +at (?:(.+) \()?(file:.+?|\/.+?|node:.+?):(\d+):(\d+)\)?$/gm)].map(([, name, at, line, column]) => {
    const file = at.startsWith('file:') ? fileURLToPath(at) : at;
    const inApp = file.startsWith(service) && !file.includes('/node_modules/');
    return { path: inApp ? file.slice(service.length) : file, line: Number(line), column: Number(column), function: name, inApp };
  });
}

function newId(kind) {
  return `${kind}-${randomUUID().slice(0, 8)}`;
}

function now() {
  return new Date().toISOString();
}
