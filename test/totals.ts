import * as fs from 'node:fs';
import Mocha from 'mocha';

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Where a mocha run leaves its totals for the test command that started it. */
export const totalsVariable = 'DELIVER_TEST_TOTALS';

/** Mocha's own report, and its totals written to the file that `DELIVER_TEST_TOTALS` names. */
export default class TotalsReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    runner.once('end', () => {
      const file = process.env[totalsVariable];
      const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {};
      const totals: Totals = { passed: passes, failed: failures, skipped: pending };
      if (file) fs.writeFileSync(file, JSON.stringify(totals));
    });
  }
}
