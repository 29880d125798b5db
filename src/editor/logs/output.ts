import * as vscode from 'vscode';
import { isFinished, type RunState } from '../../core/model/run-state';
import { logFile } from '../../core/support/home';
import { isStartedHere, type ServiceState } from '../app/state';
import { BoundedText } from './bounded-text';
import { Transcript } from './transcript';

const pollIntervalMs = 50;

/** The output panel, which shows the window's runs as they happen. */
export class Output implements vscode.Disposable {
  private readonly channel = vscode.window.createOutputChannel('Deliver', 'deliver-log');
  private readonly text = new BoundedText(this.channel);
  private readonly transcripts = new Map<string, Transcript>();
  private readonly shownRuns = new Set<string>();
  private readonly since = Date.now();
  /** The services with a running delivery. */
  private services: ReadonlySet<string> = new Set();
  private timer: NodeJS.Timeout | undefined;

  /** Shows live runs, runs that are newer than the window, and the newest run. */
  update(services: readonly ServiceState[]): void {
    this.services = new Set(services.filter((service) => service.runs.some((run) => run.outcome === 'running')).map(({ key }) => key));
    const newest = services
      .flatMap((service) => service.runs[0]?.id ?? [])
      .sort()
      .at(-1);
    // Runs of others are opened on request.
    for (const service of services)
      for (const run of service.runs.filter(isStartedHere).reverse()) this.show(service, run, run.id === newest);
    if (this.transcripts.size > 0) this.timer ??= setInterval(() => void this.pump(), pollIntervalMs);
  }

  reveal(): void {
    if (this.text.toString() === '') this.print('Nothing is delivered yet.');
    this.channel.show(true);
  }

  /** Prints text that belongs to no run. */
  print(text: string): void {
    this.text.append(`${text}\n`);
  }

  asText(): string {
    return this.text.toString();
  }

  private show(service: ServiceState, run: RunState, isNewest: boolean): void {
    const known = this.transcripts.get(run.id);
    if (known) return known.update(run);
    if (this.shownRuns.has(run.id) || (!isNewest && isFinished(run.outcome) && Date.parse(run.startedAt) < this.since)) return;
    this.shownRuns.add(run.id);
    const transcript = new Transcript(
      (lines) => this.text.append(lines.map((line) => `${line}\n`).join('')),
      (step) => logFile(service.home.run(run.id), step),
      () => (this.services.size > 1 ? `${service.name} ` : ''),
    );
    this.transcripts.set(run.id, transcript);
    transcript.update(run);
    void transcript.pump();
  }

  private async pump(): Promise<void> {
    for (const [id, transcript] of this.transcripts) {
      await transcript.pump();
      if (transcript.done) this.transcripts.delete(id);
    }
    if (this.transcripts.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  dispose(): void {
    clearInterval(this.timer);
    this.channel.dispose();
  }
}
