import * as fs from 'node:fs';
import Mocha from 'mocha';

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The totals of each file with tests. */
export type TotalsByFile = Readonly<Record<string, Totals>>;

/** The file with the totals of a mocha run, for the test command that started it. */
export const totalsVariable = 'DELIVER_TEST_TOTALS';

const none: Totals = { passed: 0, failed: 0, skipped: 0 };

export function sum(all: readonly Totals[]): Totals {
  return all.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }), none);
}

/** Mocha's own report, and the totals written to the file that `DELIVER_TEST_TOTALS` names. */
export default class TotalsReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const files: Record<string, Totals> = {};
    const count = (one: Mocha.Runnable, outcome: keyof Totals): void => {
      const file = one.file ?? one.parent?.file ?? '';
      const before = files[file] ?? none;
      files[file] = { ...before, [outcome]: before[outcome] + 1 };
    };
    runner.on('pass', (test) => count(test, 'passed'));
    runner.on('fail', (test) => count(test, 'failed'));
    runner.on('pending', (test) => count(test, 'skipped'));
    runner.once('end', () => {
      const file = process.env[totalsVariable];
      if (file) fs.writeFileSync(file, JSON.stringify(files));
    });
  }
}
