import { megabytes } from '../../core/support/format';

export interface TextSink {
  append(text: string): void;
  replace(text: string): void;
}

/** Text that grows at its end. Beyond a limit it loses its beginning, and its first line says how much. */
export class BoundedText {
  private pieces: string[] = [];
  private length = 0;
  private omitted = 0;

  constructor(
    private readonly sink: TextSink,
    private readonly maxLength = 5_000_000,
    private readonly keptLength = 500_000,
  ) {}

  append(text: string): void {
    this.pieces.push(text);
    this.length += text.length;
    if (this.length <= this.maxLength) return this.sink.append(text);
    const tail = this.pieces.join('').slice(-this.keptLength);
    const lines = tail.slice(tail.indexOf('\n') + 1);
    this.omitted += this.length - lines.length;
    const note = `… ${megabytes(this.omitted)} of earlier output omitted. The step logs are complete.\n`;
    this.pieces = [note, lines];
    this.length = note.length + lines.length;
    this.sink.replace(note + lines);
  }

  toString(): string {
    return this.pieces.join('');
  }
}
