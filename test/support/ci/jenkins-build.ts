import type { ScriptedJob, ScriptedRun } from './scripted-runs';

interface Segment {
  readonly at: number;
  /** The log on disk, with the note before Jenkins' own lines. */
  readonly raw: Buffer;
  readonly node: string | undefined;
  readonly html: string;
}

/** A build of the Jenkins of the tests, with its log as workflow-api (`FileLogStorage`) keeps and annotates it. */
export class JenkinsBuild {
  private readonly segments: Segment[] = [];
  private readonly printed = new Map<ScriptedJob, number>();
  private readonly announced = new Set<ScriptedJob>();
  private readonly closed = new Set<ScriptedJob>();
  private isFinished = false;
  private size = 0;

  constructor(
    readonly run: ScriptedRun,
    readonly queueId: number,
    readonly number: number,
  ) {
    this.own(`Started by user ${run.by}\n`);
    this.mark('Start of Pipeline', { nodeId: '2' });
    this.mark('node', { nodeId: '3', startId: '3', enclosingId: '2' });
    if (run.startupFailure !== undefined) this.own(`ERROR: ${run.startupFailure}\n`);
  }

  get isOver(): boolean {
    return this.run.state !== 'waiting' && this.run.state !== 'running';
  }

  /** The block of its stage. */
  stageId(job: ScriptedJob): string {
    return String(11 + 10 * this.run.allJobs.indexOf(job));
  }

  shellId(job: ScriptedJob): string {
    return String(12 + 10 * this.run.allJobs.indexOf(job));
  }

  /** Writes new output to the log, line by line. */
  observe(): void {
    for (const job of this.run.jobs) {
      if (!job.startedAt) continue;
      const [stage, shell] = [this.stageId(job), this.shellId(job)];
      if (!this.announced.has(job)) {
        this.announced.add(job);
        this.mark('stage', { nodeId: String(Number(stage) - 1), startId: String(Number(stage) - 1), enclosingId: '3' });
        this.mark(`{ (${job.name})`, { nodeId: stage, startId: stage, enclosingId: String(Number(stage) - 1), label: escaped(job.name) });
        this.mark('sh', { nodeId: shell, enclosingId: stage });
      }
      const from = this.printed.get(job) ?? 0;
      const to = job.isOver ? job.log.length : job.log.lastIndexOf('\n') + 1;
      if (to > from) this.append(job.log.subarray(from, to), shell, escaped(job.log.subarray(from, to).toString()));
      this.printed.set(job, Math.max(from, to));
      if (!job.isOver || this.closed.has(job)) continue;
      this.closed.add(job);
      this.mark('}', { nodeId: String(Number(stage) + 2), startId: stage });
      this.mark('// stage', { nodeId: String(Number(stage) + 3), startId: String(Number(stage) - 1) });
    }
    if (!this.isOver || this.isFinished) return;
    this.isFinished = true;
    this.mark('End of Pipeline', { nodeId: '999' });
    this.own(`Finished: ${this.result ?? ''}\n`);
  }

  get result(): string | undefined {
    return { passed: 'SUCCESS', failed: 'FAILURE', cancelled: 'ABORTED', skipped: 'NOT_BUILT', waiting: undefined, running: undefined }[
      this.run.state
    ];
  }

  /** The output of the step that allocates a machine. */
  machine(text: string): void {
    this.append(Buffer.from(text), '3', escaped(text));
  }

  /** Output of the build itself. */
  own(text: string): void {
    this.append(Buffer.from(text), undefined, escaped(text));
  }

  /** Spans stand where the index of the log has another node than before, but for what was open before `start`: as Jenkins does it. */
  html(start: number): { readonly text: string; readonly size: number; readonly isMore: boolean } {
    let text = '';
    let hadNode = false;
    for (const [index, segment] of this.segments.entries()) {
      if (segment.at < start) continue;
      if (segment.node !== this.segments[index - 1]?.node) {
        if (hadNode) text += '</span>';
        hadNode = segment.node !== undefined;
        if (segment.node !== undefined) text += `<span class="pipeline-node-${segment.node}">`;
      }
      text += segment.html;
    }
    if (this.segments.at(-1)?.node !== undefined) text += '</span>';
    return { text, size: this.size, isMore: !this.isFinished };
  }

  private mark(what: string, attributes: Readonly<Record<string, string>>): void {
    const line = `[Pipeline] ${what}\n`;
    const written = Object.entries(attributes).map(([name, value]) => `${name}="${value}"`);
    const html = `<span class="pipeline-new-node" ${written.join(' ')}>${escaped(line)}</span>`;
    this.append(Buffer.from(`\u001b[8mha:////4AAAA==\u001b[0m${line}`), undefined, html);
  }

  private append(raw: Buffer, node: string | undefined, html: string): void {
    this.segments.push({ at: this.size, raw, node, html });
    this.size += raw.length;
  }
}

/** As `Util.xmlEscape` of Jenkins; addresses become links. */
function escaped(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/https?:\/\/[^\s&]+/g, (address) => `<a href='${address}'>${address}</a>`);
}
