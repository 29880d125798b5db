/** How this same program is called again, for what outlives a command; the command is appended. */
export function ownProgram(): string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}
