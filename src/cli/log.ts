import * as fs from 'node:fs';
import { logFile } from '../core/support/home';
import { readRun } from '../core/history/runs';
import { isFinished, type RunState } from '../core/model/run-state';
import { openRun } from './context';
import type { Terminal } from './terminal';

/** The poll interval for a followed log. */
const pollIntervalMs = 100;

/** `deliver log`: prints the log of a step, or of all steps in the order of the pipeline. */
export async function log(
  step: string | undefined,
  options: { readonly run?: string; readonly service?: string; readonly follow?: true },
  terminal: Terminal,
): Promise<number> {
  const opened = await openRun(options);
  if (!opened.ok) return terminal.fail(opened.failure);
  const { home, run } = opened.value;
  const names = run.steps.map((one) => one.name);
  if (step !== undefined && !names.includes(step)) {
    return terminal.fail({
      kind: 'usage',
      message: `run ${run.id} has no step ${step}`,
      hint: `its steps are ${names.join(', ')}`,
    });
  }
  const folder = home.run(run.id);
  const shown = step === undefined ? names : [step];
  const reader = new LogReader(folder, shown, shown.length > 1, terminal);
  for (;;) {
    const state = readRun(folder) ?? run;
    const over = isFinished(state.outcome) || (step !== undefined && isOver(state, step));
    reader.copy(state);
    if (over || !options.follow) return 0;
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
  }
}

function isOver(state: RunState, name: string): boolean {
  const step = state.steps.find((one) => one.name === name);
  return step !== undefined && step.state !== 'waiting' && step.state !== 'running';
}

/** Copies new log output to stdout at each call of `copy`. */
export class LogReader {
  private readonly read = new Map<string, number>();
  private readonly write = new Map<string, (bytes: Buffer) => void>();
  private last: string | undefined;

  constructor(
    private readonly folder: string,
    private readonly steps: readonly string[],
    private readonly titled: boolean,
    private readonly terminal: Terminal,
  ) {}

  copy(state: RunState): void {
    for (const name of this.steps) {
      const log = state.steps.find((step) => step.name === name)?.log ?? logFile(this.folder, name);
      if (fs.existsSync(log)) this.copyFile(name, log);
    }
  }

  private copyFile(name: string, file: string): void {
    const descriptor = fs.openSync(file, 'r');
    const buffer = Buffer.allocUnsafe(1 << 16);
    const write = this.write.get(name) ?? this.terminal.output();
    this.write.set(name, write);
    try {
      let at = this.read.get(name) ?? 0;
      for (
        let n = fs.readSync(descriptor, buffer, 0, buffer.length, at);
        n > 0;
        n = fs.readSync(descriptor, buffer, 0, buffer.length, at)
      ) {
        if (this.titled && this.last !== name) this.terminal.print(`==> ${name} <==`);
        this.last = name;
        write(Buffer.from(buffer.subarray(0, n)));
        at += n;
      }
      this.read.set(name, at);
    } finally {
      fs.closeSync(descriptor);
    }
  }
}
