/** The command that starts an environment's supervisor: this same program. */
export function supervisorCommand(): string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? '', 'supervise'];
}
