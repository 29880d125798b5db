const named = 3;

/** Returns a sentence about the items that could not be read; undefined if there are none. */
export function warningOf(source: string, unread: readonly string[], ...more: readonly (string | undefined)[]): string | undefined {
  const rest = unread.length > named ? [`and ${unread.length - named} more`] : [];
  const all = [[...unread.slice(0, named), ...rest].join(', '), ...more].filter((words) => words !== undefined && words !== '');
  return all.length === 0 ? undefined : `${source}: ${all.join('; ')}`;
}
