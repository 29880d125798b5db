/**
 * The first words of lines of the build itself that appear among those of its steps (workflow-job, `WorkflowRun`; workflow-cps). Where
 * one may be mistaken for a step's, the log is read from its start, which tells them apart for certain.
 */
const ownLine =
  /^(?:Aborted by |Superseded by |Cancel+ed |Click here to forcibly |Terminating |Hard kill!|Pausing|Resuming|Ready to run at |Not built)/m;
const longestOwnWords = 40;

/** A tag or an escaped letter whose end has not arrived. */
const unfinished = /<[^>]*$|&[^;<]{0,9}$/;
/** No tag of Jenkins is so long: text that looks like one is not held back for its end. */
const longestTag = 1 << 20;

/**
 * Reads the log of a pipeline as Jenkins annotates it (`progressiveHtml`). Every line says whose it is, also where branches print at
 * the same time: `<span class="pipeline-node-ID">` stands before the text of a node (workflow-api, `LogStorage.startStep`), and
 * `<span class="pipeline-new-node" nodeId startId enclosingId>` holds a line that says where in the graph a node is (workflow-job,
 * `NewNodeConsoleNote`). Text is escaped as XML; all else between `<` and `>` was put there by Jenkins or its plugins.
 */
export class AnnotatedLog {
  /** The block around each node. */
  readonly enclosing = new Map<string, string>();
  /** Blocks that ended. */
  readonly ended = new Set<string>();
  /**
   * Whether a line of the build itself may stand before the first mark of an answer that begins within a node. Jenkins marks no end
   * of the node there, so that the line would be mistaken for the node's.
   */
  isDoubtful = false;
  /** The line that arrives before the first mark of such an answer. */
  private leadingLine: string | undefined;
  /** The open tags, innermost last. Jenkins closes more than it opened at the end of an answer. */
  private readonly open: ('node' | 'mark' | 'hidden' | 'other')[] = [];
  /** A node was closed: the text after it is the build's own, unless the answer ends here. */
  private isClosed = false;
  private rest = '';
  private hidden = '';
  /** A time was hidden right before; a space stands between it and the line. */
  private isAfterStamp = false;

  /** `node`: the one whose text the answer begins with; undefined, also for `add`: the build itself. */
  constructor(
    private node: string | undefined,
    private readonly add: (node: string | undefined, text: string) => void,
  ) {
    if (node !== undefined) this.leadingLine = '';
  }

  push(html: string): void {
    const all = this.rest + html;
    const cut = all.search(unfinished);
    const until = cut < 0 || all.length - cut > longestTag ? all.length : cut;
    this.rest = all.slice(until);
    for (const [part] of all.slice(0, until).matchAll(/<[^>]*>|<?[^<]+/g)) {
      if (part.endsWith('>') && part.startsWith('<')) this.tag(part);
      else this.text(part);
    }
  }

  /** Ends an answer. Returns the node whose text the next answer begins with. */
  end(): string | undefined {
    if (!this.rest.startsWith('<')) this.text(this.rest);
    this.rest = '';
    return this.node;
  }

  private text(escaped: string): void {
    if (this.open.includes('mark')) return;
    if (this.open.at(-1) === 'hidden') this.hidden += escaped;
    else this.print(escaped);
  }

  private print(escaped: string): void {
    if (escaped === '') return;
    if (this.isClosed) this.node = undefined;
    this.isClosed = false;
    const text = unescaped(this.isAfterStamp ? escaped.replace(/^ /, '') : escaped);
    this.isAfterStamp = false;
    if (this.leadingLine !== undefined) {
      const lines = this.leadingLine + text;
      this.isDoubtful ||= ownLine.test(lines);
      this.leadingLine = lines.slice(lines.lastIndexOf('\n') + 1).slice(0, longestOwnWords);
    }
    if (text !== '') this.add(this.node, text);
  }

  private tag(tag: string): void {
    if (tag.startsWith('</span')) return this.closed();
    if (!/^<span\b/.test(tag)) return;
    const kind = / class="([^"]*)"/.exec(tag)?.[1] ?? '';
    const node = /^pipeline-node-(\d+)$/.exec(kind)?.[1];
    if (node !== undefined) {
      this.open.length = 0;
      this.open.push('node');
      this.enter(node);
    } else if (kind === 'pipeline-new-node') {
      this.open.push('mark');
      this.mark(tag);
    } else this.open.push(kind === 'timestamp' ? 'mark' : /display:\s*none/.test(tag) ? 'hidden' : 'other');
  }

  private enter(node: string | undefined): void {
    this.node = node;
    this.isClosed = false;
    this.leadingLine = undefined;
  }

  /** A mark is a line of the build itself: no node's text continues after it. */
  private mark(tag: string): void {
    const of = (name: string): string | undefined => new RegExp(` ${name}="(\\d+)"`).exec(tag)?.[1];
    const [node, start, enclosing] = [of('nodeId'), of('startId'), of('enclosingId')];
    if (node !== undefined && enclosing !== undefined) this.enclosing.set(node, enclosing);
    if (start !== undefined && start !== node) this.ended.add(start);
    this.enter(undefined);
    this.isAfterStamp = false;
  }

  private closed(): void {
    const kind = this.open.pop();
    if (kind === 'node') this.isClosed = true;
    if (kind !== 'hidden') return;
    const { hidden } = this;
    this.hidden = '';
    // The plugin Timestamper writes a time before each line, hides it and shows another (`GlobalAnnotator`). Other hidden text was printed.
    if (/^\[\d{4}-\d\d-\d\dT[\d:.]+Z\]$/.test(hidden)) this.isAfterStamp = true;
    else this.print(hidden);
  }
}

const letters: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(?:(lt|gt|amp|quot|apos)|#(\d{1,7}|x[0-9a-fA-F]{1,6}));/g, (whole, name: string | undefined, code: string) => {
    if (name !== undefined) return letters[name] ?? whole;
    const point = Number(code.startsWith('x') ? `0${code}` : code);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}
