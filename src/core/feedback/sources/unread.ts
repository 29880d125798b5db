const named = 3;

/** What of an answer could not be read, in a sentence; undefined where there is nothing to tell. */
export function warningOf(source: string, unread: readonly string[], ...more: readonly (string | undefined)[]): string | undefined {
  const rest = unread.length > named ? [`and ${unread.length - named} more`] : [];
  const all = [[...unread.slice(0, named), ...rest].join(', '), ...more].filter((words) => words !== undefined && words !== '');
  return all.length === 0 ? undefined : `${source}: ${all.join('; ')}`;
}
