import { plain } from '../../support/terminal-text';

/** A sentence of Jenkins's as it is shown: one line, and not too long. */
export function sentence(text: string): string {
  const line = plain(text).replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
