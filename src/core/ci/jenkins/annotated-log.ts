/** Text of the log and the node of the pipeline that printed it; undefined: the build itself. */
export interface Piece {
  readonly node: string | undefined;
  readonly text: string;
}

/** What of a log is known at one place of it. */
export interface LogState {
  /** The node whose text goes on here. */
  readonly node: string | undefined;
}

/**
 * How lines of a build's own begin that stand among those of its steps (workflow-job, `WorkflowRun`; workflow-cps): where one may be
 * taken for a step's, the log is read from its start, which tells them apart for certain.
 */
const ownLine =
  /^(?:Aborted by |Superseded by |Cancel+ed |Click here to forcibly |Terminating |Hard kill!|Pausing|Resuming|Ready to run at |Not built)/m;
const longestOwnWords = 40;

/** No tag of Jenkins is so long: what would be held for its end is text. */
const longestTag = 1 << 20;

/**
 * Reads the log of a pipeline as Jenkins annotates it (`progressiveHtml`). Every line says whose it is, also where branches print at
 * the same time: `<span class="pipeline-node-ID">` stands before what a node prints (workflow-api, `LogStorage.startStep`), and
 * `<span class="pipeline-new-node" nodeId startId enclosingId>` holds a line that says where in the graph a node is (workflow-job,
 * `NewNodeConsoleNote`). Text is escaped as XML; all else between `<` and `>` was put there by Jenkins or its plugins.
 */
export class AnnotatedLog {
  /** The block around each node. */
  readonly enclosing = new Map<string, string>();
  /** Blocks that ended. */
  readonly ended = new Set<string>();
  /**
   * Whether a line of the build's own may stand before the first mark of an answer that goes on within a node. Jenkins marks no end
   * of a node there, and it would be taken for one of the node.
   */
  isDoubtful = false;
  private isLeading: boolean;
  /** How the line begins that goes on there. */
  private leadingLine = '';
  private node: string | undefined;
  /** What is open, innermost last. Jenkins closes more than it opened at the end of an answer. */
  private readonly open: ('node' | 'mark' | 'time' | 'hidden' | 'other')[] = [];
  /** A node was closed: what follows is its own no more, unless the answer ends here. */
  private isClosed = false;
  private rest = '';
  /** What is hidden from who reads the page. */
  private hidden = '';
  /** A time was hidden right before; a space stands between it and the line. */
  private isAfterStamp = false;

  /** `state`: as the answer before ended. */
  constructor(
    state: LogState,
    private readonly add: (piece: Piece) => void,
  ) {
    this.node = state.node;
    this.isLeading = state.node !== undefined;
  }

  push(html: string): void {
    const all = this.rest + html;
    let at = 0;
    while (at < all.length) {
      const tag = all.indexOf('<', at);
      const end = tag < 0 ? all.length : tag;
      // A letter may be written as several, which may arrive in parts.
      const cut = tag < 0 ? unfinished(all, at) : end;
      if (cut > at) this.text(all.slice(at, cut));
      at = cut;
      if (tag < 0) break;
      const close = all.indexOf('>', tag);
      if (close < 0 && all.length - tag > longestTag) {
        this.text(all.slice(tag));
        at = all.length;
      }
      if (close < 0) break;
      this.tag(all.slice(tag + 1, close));
      at = close + 1;
    }
    this.rest = all.slice(at);
  }

  /** At the end of an answer. */
  end(): LogState {
    if (this.rest !== '' && !this.rest.startsWith('<')) this.text(this.rest);
    this.rest = '';
    return { node: this.node };
  }

  private text(escaped: string): void {
    if (this.open.some((one) => one === 'mark' || one === 'time')) return;
    if (this.open.at(-1) === 'hidden') this.hidden += escaped;
    else this.own(escaped);
  }

  private own(escaped: string): void {
    if (this.isClosed) this.node = undefined;
    this.isClosed = false;
    const text = unescaped(this.isAfterStamp ? escaped.replace(/^ /, '') : escaped);
    this.isAfterStamp = false;
    if (this.isLeading) this.leads(text);
    if (text !== '') this.add({ node: this.node, text });
  }

  private leads(text: string): void {
    const lines = this.leadingLine + text;
    this.isDoubtful ||= ownLine.test(lines);
    this.leadingLine = lines.slice(lines.lastIndexOf('\n') + 1).slice(0, longestOwnWords);
  }

  private tag(tag: string): void {
    if (!/^\/?span\b/.test(tag)) return;
    if (tag.startsWith('/')) return this.closed();
    const kind = / class="([^"]*)"/.exec(` ${tag}`)?.[1] ?? '';
    const node = /^pipeline-node-(\d+)$/.exec(kind)?.[1];
    if (node !== undefined || kind === 'pipeline-new-node') this.isLeading = false;
    if (node !== undefined) {
      this.node = node;
      this.isClosed = false;
      this.open.length = 0;
      this.open.push('node');
    } else if (kind === 'pipeline-new-node') {
      this.entered(tag);
      this.open.push('mark');
    } else if (kind === 'timestamp') {
      this.open.push('time');
    } else this.open.push(/display:\s*none/.test(tag) ? 'hidden' : 'other');
  }

  private closed(): void {
    const kind = this.open.pop();
    if (kind === 'node') this.isClosed = true;
    if (kind !== 'hidden') return;
    const { hidden } = this;
    this.hidden = '';
    // The plugin Timestamper writes a time before each line, hides it and shows another (`GlobalAnnotator`). What else is hidden was printed.
    if (/^\[\d{4}-\d\d-\d\dT[\d:.]+Z\]$/.test(hidden)) this.isAfterStamp = true;
    else if (hidden !== '' && !this.open.includes('mark')) this.own(hidden);
  }

  /** Such lines are the build's own: nothing goes on after one. */
  private entered(tag: string): void {
    const of = (name: string): string | undefined => new RegExp(` ${name}="(\\d+)"`).exec(tag)?.[1];
    const [node, start, enclosing] = [of('nodeId'), of('startId'), of('enclosingId')];
    if (node !== undefined && enclosing !== undefined) this.enclosing.set(node, enclosing);
    if (start !== undefined && start !== node) this.ended.add(start);
    this.node = undefined;
    this.isClosed = false;
    this.isAfterStamp = false;
  }
}

/** Where a letter begins that is not written to its end. */
function unfinished(text: string, from: number): number {
  const at = text.lastIndexOf('&');
  return at >= from && text.length - at < 8 && !text.includes(';', at) ? at : text.length;
}

const letters: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(
    /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));/g,
    (whole, name: string, decimal: string, hex: string) => {
      if (name) return letters[name] ?? whole;
      const code = decimal ? Number(decimal) : parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}
