/** Bytes that one node of a pipeline printed; undefined: the build itself. */
export interface Part {
  readonly node: string | undefined;
  readonly bytes: Buffer;
}

/** About what an array and a buffer take beside their bytes. */
const partCost = 128;
const largestPart = 16 << 10;

/** The end of what the nodes of a build printed: no more than so many bytes, and how many of each node came before those. */
export class LogWindow {
  /** What is held, in memory. */
  size = 0;
  /** By node. */
  readonly before = new Map<string | undefined, number>();
  private held: Part[] = [];
  /** How many of those were let go of. */
  private gone = 0;
  private open: { readonly node: string | undefined; readonly bytes: Buffer[]; size: number } | undefined;

  constructor(private readonly most: number) {}

  add({ node, bytes }: Part): void {
    if (this.open && (this.open.node !== node || this.open.size + bytes.length > Math.min(largestPart, this.most / 16))) this.close();
    this.open ??= { node, bytes: [], size: 0 };
    this.open.bytes.push(bytes);
    this.open.size += bytes.length;
  }

  /** Whether something came before what is held. */
  get isPart(): boolean {
    this.close();
    return this.before.size > 0;
  }

  /** How many bytes there were of each node in all. */
  printed(): ReadonlyMap<string | undefined, number> {
    const all = new Map(this.before);
    for (const { node, bytes } of this.parts()) all.set(node, (all.get(node) ?? 0) + bytes.length);
    return all;
  }

  /** In the order of their printing. */
  parts(): readonly Part[] {
    this.close();
    return this.held.slice(this.gone);
  }

  /** What was printed after this. */
  append(later: LogWindow): void {
    this.close();
    const parts = later.parts();
    if (later.before.size > 0) this.letGo(this.held.length);
    for (const [node, bytes] of later.before) this.count(node, bytes);
    for (const part of parts) this.hold(part);
  }

  clear(): void {
    this.held = [];
    this.before.clear();
    this.open = undefined;
    this.gone = this.size = 0;
  }

  private close(): void {
    const { open } = this;
    this.open = undefined;
    if (open) this.hold({ node: open.node, bytes: Buffer.concat(open.bytes) });
  }

  private hold(part: Part): void {
    this.held.push(part);
    this.size += part.bytes.length + partCost;
    let until = this.gone;
    for (let size = this.size; size > this.most && until < this.held.length; until++)
      size -= (this.held[until]?.bytes.length ?? 0) + partCost;
    this.letGo(until);
  }

  private letGo(until: number): void {
    for (; this.gone < until; this.gone++) {
      const part = this.held[this.gone];
      if (!part) continue;
      this.count(part.node, part.bytes.length);
      this.size -= part.bytes.length + partCost;
      this.held[this.gone] = nothing;
    }
    if (this.gone < 1000) return;
    this.held = this.held.slice(this.gone);
    this.gone = 0;
  }

  private count(node: string | undefined, bytes: number): void {
    this.before.set(node, (this.before.get(node) ?? 0) + bytes);
  }
}

const nothing: Part = { node: undefined, bytes: Buffer.alloc(0) };
