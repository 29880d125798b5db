/**
 * The first words of the build's own lines among the lines of its steps (workflow-job, `WorkflowRun`; workflow-cps). If such a
 * line may be a step's, the log is read again from its start, which gives certainty.
 */
const ownLine =
  /^(?:Aborted by |Superseded by |Cancel+ed |Click here to forcibly |Terminating |Hard kill!|Pausing|Resuming|Ready to run at |Not built)/m;
const maxOwnWords = 40;

/** An incomplete tag or escape sequence at the end of the text. */
const unfinished = /<[^>]*$|&[^;<]{0,9}$/;
/** Longer than any tag of Jenkins: such text is not held back. */
const maxTagLength = 1 << 20;

/**
 * Parses the annotated log of a pipeline (`progressiveHtml`). `<span class="pipeline-node-ID">` precedes the text of a node
 * (workflow-api, `LogStorage.startStep`), also when branches print at the same time. `<span class="pipeline-new-node" nodeId
 * startId enclosingId>` contains a line that gives a node's position in the graph (workflow-job, `NewNodeConsoleNote`). Text is
 * escaped as XML; any other tag comes from Jenkins or its plugins.
 */
export class AnnotatedLog {
  /** The enclosing block of each node. */
  readonly enclosing = new Map<string, string>();
  readonly ended = new Set<string>();
  /**
   * True if a line of the build itself may precede the first mark of an answer that begins within a node. Jenkins does not mark
   * the node's end there, so the line would count as the node's.
   */
  isDoubtful = false;
  /** The line before the first mark of such an answer. */
  private leadingLine: string | undefined;
  /** The open tags, innermost last. Jenkins closes too many at the end of an answer. */
  private readonly open: ('node' | 'mark' | 'hidden' | 'other')[] = [];
  /** A node was closed: the following text belongs to the build, unless the answer ends here. */
  private isClosed = false;
  private rest = '';
  private hidden = '';
  /** A hidden time precedes the line, separated by a space. */
  private isAfterStamp = false;

  /** `node`: the node at the start of the answer. Undefined, also for `add`, is the build itself. */
  constructor(
    private node: string | undefined,
    private readonly add: (node: string | undefined, text: string) => void,
  ) {
    if (node !== undefined) this.leadingLine = '';
  }

  push(html: string): void {
    const all = this.rest + html;
    const cut = all.search(unfinished);
    const until = cut < 0 || all.length - cut > maxTagLength ? all.length : cut;
    this.rest = all.slice(until);
    for (const [part] of all.slice(0, until).matchAll(/<[^>]*>|<?[^<]+/g)) {
      if (part.endsWith('>') && part.startsWith('<')) this.tag(part);
      else this.text(part);
    }
  }

  /** Ends an answer. Returns the node at the start of the next answer. */
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
      this.leadingLine = lines.slice(lines.lastIndexOf('\n') + 1).slice(0, maxOwnWords);
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

  /** A mark is a line of the build itself and ends the text of a node. */
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
    // The Timestamper plugin hides one time before each line and shows another (`GlobalAnnotator`). Other hidden text was printed by a step.
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
