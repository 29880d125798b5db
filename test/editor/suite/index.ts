import * as fs from 'node:fs';
import * as path from 'node:path';
import { format } from 'node:util';
import Mocha from 'mocha';
import TotalsReporter from '../../totals';
import { reportMark } from '../host/report-mark';

/** Runs the tests. VS Code calls it in the extension host. Rejects if a test failed. */
export async function run(): Promise<void> {
  Mocha.reporters.Base.consoleLog = (...args: unknown[]) => {
    for (const line of format(...args).split('\n')) console.log(reportMark + line);
  };
  const mocha = new Mocha({ ui: 'bdd', timeout: 30_000, color: false, reporter: TotalsReporter });
  for (const file of fs.readdirSync(__dirname)) if (file.endsWith('.test.js')) mocha.addFile(path.join(__dirname, file));
  await mocha.loadFilesAsync();
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  if (failures > 0) throw new Error(`${failures} failed`);
}
