import { megabytes } from '../../core/support/format';

/** What a bounded text is shown in. */
export interface TextSink {
  append(text: string): void;
  replace(text: string): void;
}

/** Text that only grows at its end and, when there is too much, loses its beginning: it says how much. */
export class BoundedText {
  private pieces: string[] = [];
  private length = 0;
  private leftOut = 0;

  constructor(
    private readonly sink: TextSink,
    private readonly most = 5_000_000,
    private readonly keep = 500_000,
  ) {}

  append(text: string): void {
    this.pieces.push(text);
    this.length += text.length;
    if (this.length <= this.most) return this.sink.append(text);
    const tail = this.pieces.join('').slice(-this.keep);
    const whole = tail.slice(tail.indexOf('\n') + 1);
    this.leftOut += this.length - whole.length;
    const note = `… ${megabytes(this.leftOut)} of earlier output left out; the logs of the steps hold all of it\n`;
    this.pieces = [note, whole];
    this.length = note.length + whole.length;
    this.sink.replace(note + whole);
  }

  toString(): string {
    return this.pieces.join('');
  }
}
