/** No server is left alone for longer than this, whatever it says. */
const longestMs = 24 * 3_600_000;

const remainders = ['x-ratelimit-remaining', 'ratelimit-remaining', 'x-sentry-rate-limit-remaining'];
const resets = ['x-ratelimit-reset', 'ratelimit-reset', 'x-sentry-rate-limit-reset'];

/** When a server wants to be asked again, by its headers (names in lower case). ISO 8601; undefined where they do not say. */
export function retryTime(headers: Readonly<Record<string, string>>, now: number): string | undefined {
  const at = afterOf(headers['retry-after'], now) ?? resetOf(headers, now);
  return at === undefined ? undefined : new Date(Math.min(Math.max(at, now + 1000), now + longestMs)).toISOString();
}

/** The same of a server that is not there for now: how often it may be asked says nothing of when it is back. */
export function backTime(headers: Readonly<Record<string, string>>, now: number): string | undefined {
  const { 'retry-after': after } = headers;
  return after === undefined ? undefined : retryTime({ 'retry-after': after }, now);
}

/** Seconds, or a date. */
function afterOf(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(value.trim()) ? now + Number(value) * 1000 : Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

function resetOf(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  // Where something is left, another limit was passed than the one that is reset then.
  if (remainders.some((one) => Number(headers[one] ?? 0) > 0)) return undefined;
  const name = resets.find((one) => /^\d+(\.\d+)?$/.test(headers[one] ?? ''));
  if (name === undefined) return undefined;
  const seconds = Number(headers[name]);
  // The draft of the standard counts from now, most servers from 1970.
  return seconds < 1e8 ? now + seconds * 1000 : seconds * 1000;
}
