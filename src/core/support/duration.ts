const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds of a duration that the definition accepts: `300ms`, `30s`, `5m`, `1h`. */
export function milliseconds(duration: string): number {
  const unit = duration.replace(/^\d+/, '') as keyof typeof units;
  return Number.parseInt(duration, 10) * units[unit];
}
