/** Returns `0.4 s`, `12 s`, `3 min 5 s`, `1 h 2 min` or `3 days 4 h`. */
export function duration(ms: number): string {
  if (ms < 950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return twoUnits(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return twoUnits(hours, 'h', minutes % 60, 'min');
  return twoUnits(Math.floor(hours / 24), 'days', hours % 24, 'h');
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Returns `just now`, `5 min ago`, `30 h ago` or `12 days ago`; nothing if `iso` is not a date. */
export function age(iso: string, now = Date.now()): string {
  const minutes = Math.floor((now - Date.parse(iso)) / 60_000);
  if (Number.isNaN(minutes)) return '';
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}

/** Returns `no changes`, `1 change` or `3 changes`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count === 0 ? 'no' : count} ${count === 1 ? noun : plural}`;
}

/** Returns `2nd attempt`. */
export function attempt(count: number): string {
  const ordinal = count === 2 ? '2nd' : count === 3 ? '3rd' : `${count}th`;
  return `${ordinal} attempt`;
}

export function shortCommit(commit: string): string {
  return commit.slice(0, 7);
}

/** Joins the parts that are neither undefined nor empty. */
export function joined(parts: readonly (string | undefined)[], separator = ' · '): string {
  return parts.filter((part) => part !== undefined && part !== '').join(separator);
}

export function megabytes(bytes: number): string {
  return bytes < 100_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Returns the first word of a CI service's label: `GitHub` for `GitHub Actions`. */
export function shortLabel(label: string): string {
  return label.split(' ', 1)[0] ?? label;
}

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Returns the milliseconds of a duration as in delivery.yaml: `300ms`, `30s`, `5m`, `1h`. */
export function milliseconds(text: string): number {
  const unit = text.replace(/^\d+/, '') as keyof typeof units;
  return Number.parseInt(text, 10) * units[unit];
}

/** Returns words as a sentence lists them: `a, b and c`. */
export function wordList(words: readonly string[], conjunction: 'and' | 'or'): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${conjunction} ${last}`;
}
