const setting = /^(?:#.*|set [-+].*|export .*|\w+=\S*)?$/;
const changes = /^cd +(?:-- +)?(['"]?)(?<folder>[\w@./-]+)\1$/;
const option =
  /^(?:npm|pnpm|yarn|go|cargo) (?:.* )?(?:-w|--workspace|--prefix|-C|--cwd|--dir|--filter)[ =](['"]?)(?<folder>[\w@./-]+)\1(?= |$)/;

/**
 * Returns the folder, or the name of the package, in which a command runs its tools: `cd web && npm test`, `npm test -w web`.
 * Undefined if the command does not name exactly one.
 */
export function commandFolder(command: string): string | undefined {
  const whole = /^\s*\(([^()]*)\)\s*$/.exec(command)?.[1] ?? command;
  const parts = whole.split(/&&|\|\||;|\n/).map((part) => part.trim().replace(/\s+/g, ' '));
  const rest = parts.filter((part) => !setting.test(part));
  const named = rest.map((part) => changes.exec(part)?.groups?.['folder'] ?? option.exec(part)?.groups?.['folder']);
  const [first = ''] = rest;
  if (changes.test(first)) return rest.slice(1).some((part) => /\b(?:cd|pushd|popd)\b/.test(part)) ? undefined : named[0];
  return rest.length === 1 && !/\bcd\b/.test(first) ? named[0] : undefined;
}
