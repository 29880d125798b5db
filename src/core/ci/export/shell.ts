/** A word for a POSIX shell, quoted only where it must be. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}

/** A glob for bash: what it matches by stays, all else is literal. */
export function globWord(glob: string): string {
  return glob.replace(/[^\w@%+=:,./*?[\]{}()|!-]/g, (letter) => (letter === '\n' ? `$'\\n'` : `\\${letter}`));
}

/**
 * Whether a command means something else where the shell stops at the first failure, as it does on CI
 * services and not in a local run.
 */
export function isCompound(command: string): boolean {
  return /[\n;]/.test(command.trim());
}

/** A command that is tried up to `attempts` times, for engines that have no word for it. */
export function retried(command: string, attempts: number): string {
  if (attempts < 2) return command;
  const line = command.trimEnd();
  // A here-document ends at the beginning of a line.
  const body = line.includes('\n') ? line : `  ${line}`;
  return [`attempt() (`, body, `)`, Array.from({ length: attempts }, () => 'attempt').join(' || ')].join('\n');
}

/** How a job calls Deliver for one of its steps. */
export function deliverStep(step: string, { package: from, up }: { readonly package?: string | undefined; readonly up: string }): string {
  if (from === undefined) return `npx --yes deliver step ${word(step)}`;
  return `npx --yes --package ${word(isFile(from) ? `${up}${from.replace(/^\.\//, '')}` : from)} deliver step ${word(step)}`;
}

/** A packed file of the repository, not a name of the registry. */
export function isFile(from: string): boolean {
  return /^\.{1,2}\/|\.(tgz|tar\.gz)$/.test(from);
}
