import * as vscode from 'vscode';
import { logFile } from '../../core/support/home';
import { isFinished, type RunState } from '../../core/model/run-state';
import { BoundedText } from './bounded-text';
import { isOwn, type ServiceState } from '../app/state';
import { Transcript } from './transcript';

/** How often the logs of what runs are looked at. */
const everyMs = 50;

/** The output panel: what goes on in the window's runs, as it happens. */
export class Output implements vscode.Disposable {
  private readonly channel = vscode.window.createOutputChannel('Deliver', 'deliver-log');
  private readonly text = new BoundedText(this.channel);
  private readonly transcripts = new Map<string, Transcript>();
  private readonly seen = new Set<string>();
  private readonly since = Date.now();
  /** Services that are being delivered right now. */
  private services: ReadonlySet<string> = new Set();
  private timer: NodeJS.Timeout | undefined;

  /** Runs that go on, or began since the window did, are shown; and the newest, so that there is something to read. */
  update(services: readonly ServiceState[]): void {
    this.services = new Set(services.filter((service) => service.runs.some((run) => run.outcome === 'running')).map(({ key }) => key));
    const newest = services
      .flatMap((service) => service.runs[0]?.id ?? [])
      .sort()
      .at(-1);
    // What others deliver is shown where it is looked for: it is not what this window is about.
    for (const service of services) for (const run of service.runs.filter(isOwn).reverse()) this.show(service, run, run.id === newest);
    if (this.transcripts.size > 0) this.timer ??= setInterval(() => void this.pump(), everyMs);
  }

  reveal(): void {
    if (this.text.toString() === '') this.say('Nothing was delivered yet.');
    this.channel.show(true);
  }

  /** Says something that belongs to no run. */
  say(lines: string): void {
    this.text.append(`${lines}\n`);
  }

  asText(): string {
    return this.text.toString();
  }

  private show(service: ServiceState, run: RunState, newest: boolean): void {
    const known = this.transcripts.get(run.id);
    if (known) return known.update(run);
    if (this.seen.has(run.id) || (!newest && isFinished(run.outcome) && Date.parse(run.startedAt) < this.since)) return;
    this.seen.add(run.id);
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
