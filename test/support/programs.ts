import { spawnSync } from 'node:child_process';

/** Skips the tests of a `describe`, with the reason, where a program is not installed. */
export function needsProgram(program: string, ...args: string[]): void {
  before(function () {
    if (spawnSync(program, args, { stdio: 'ignore' }).status === 0) return;
    console.log(`      skipped: ${program} is not installed here`);
    this.skip();
  });
}
