/** Returns the command that starts this program again. The caller appends the arguments. */
export function ownProgram(): string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}
