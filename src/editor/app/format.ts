/** `0.4 s`, `12 s`, `3 min 5 s`, `1 h 2 min`: as short as stays true. */
export function duration(ms: number): string {
  if (ms < 950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long ago, coarse enough not to change under the eye: `just now`, `5 min ago`, `3 days ago`. */
export function age(iso: string, now: number): string {
  const seconds = (now - Date.parse(iso)) / 1000;
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86_400);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** `2nd attempt`. */
export function attempt(count: number): string {
  const ordinal = count === 2 ? '2nd' : count === 3 ? '3rd' : `${count}th`;
  return `${ordinal} attempt`;
}

export function shortCommit(commit: string): string {
  return commit.slice(0, 7);
}

/** What is there, joined for a row's description or a sentence. */
export function joined(parts: readonly (string | undefined)[], separator = ' · '): string {
  return parts.filter((part) => part !== undefined && part !== '').join(separator);
}

export function megabytes(bytes: number): string {
  return bytes < 100_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `GitHub` of `GitHub Actions`: where there is little room. */
export function shortLabel(label: string): string {
  return label.split(' ', 1)[0] ?? label;
}
