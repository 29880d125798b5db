/** The start of a line by which a runner of several programs names the program. */
export interface Prefix {
  readonly name: string;
  /** The folder of the program: a path, or the name of a package. */
  readonly folder?: string;
  /** The rest of the line. */
  readonly text: string;
}

/**
 * Docker Compose: `web-1  | `. Turborepo: `@acme/lib:build: `. pnpm: `packages/lib build: `. Lerna and Nx: `@acme/lib: `.
 * BuildKit: `#12 0.532 `. concurrently: `[0] `.
 */
const prefixes: readonly RegExp[] = [
  /^(?<name>[A-Za-z][\w.-]*?(?:[-_]\d+ +| {2,}))\|(?: |$)/,
  /^(?<name>(?<folder>@[\w.-]+\/[\w.-]+)(?::[\w.:-]+)?): /,
  /^(?<name>(?<folder>[A-Za-z][\w.-]*):[A-Za-z][\w.-]*): /,
  /^(?<name>(?!\S*\.\w{1,4} )(?<folder>[\w.@-]+(?:\/[\w.@-]+)+) [\w.:-]+): /,
  /^(?<name>#\d+) \d+\.\d+ /,
  /^(?<name>\[\d+\]) /,
];

const colours = '(?:\\x1b\\[[\\d;]*m)*';

/** The same at the start of any line, with colours. A quick test of a piece of a log. */
const anywhere = new RegExp(
  `^${colours}(?:[A-Za-z][\\w.-]* +\\||@[\\w.-]+/[\\w.:-]+: |[A-Za-z][\\w.-]*:[A-Za-z][\\w.-]*: |[\\w.@-]+(?:/[\\w.@-]+)+ [\\w.:-]+: |#\\d+ \\d+\\.|\\[\\d+\\])`,
  'm',
);

/** Returns true if a line of a piece of a log may have a prefix. */
export function mayHavePrefixes(bytes: Buffer): boolean {
  return anywhere.test(bytes.toString('latin1'));
}

/** Returns the prefix of a line, or undefined if it has none. */
export function prefixOf(line: string): Prefix | undefined {
  for (const prefix of prefixes) {
    const match = prefix.exec(line);
    if (!match) continue;
    const { name = '', folder } = match.groups ?? {};
    return { name: name.trim(), ...(folder !== undefined && { folder }), text: line.slice(match[0].length) };
  }
  return undefined;
}
