import type { SerialQueue } from './serial-queue';

/** Answers questions one by one that are cheaper asked together: those that come while others are asked are the next batch. */
export class Batches<V> {
  private waiting = new Map<string, (value: V | undefined) => void>();
  private readonly asked = new Map<string, Promise<V | undefined>>();

  constructor(
    private readonly turns: SerialQueue,
    private readonly askAll: (questions: readonly string[]) => Promise<ReadonlyMap<string, V>>,
    private readonly atOnce: number,
  ) {}

  async ask(question: string): Promise<V | undefined> {
    const before = this.asked.get(question);
    if (before) return before;
    const answer = new Promise<V | undefined>((resolve) => this.waiting.set(question, resolve));
    this.asked.set(question, answer);
    if (this.waiting.size === 1) void this.turns.run(async () => this.next());
    return answer;
  }

  private async next(): Promise<void> {
    // All that is asked in this turn of the event loop belongs together.
    await new Promise((resolve) => setImmediate(resolve));
    const batch = [...this.waiting].slice(0, this.atOnce);
    for (const [question] of batch) this.waiting.delete(question);
    if (this.waiting.size > 0) void this.turns.run(async () => this.next());
    const answers = await this.askAll(batch.map(([question]) => question));
    for (const [question, resolve] of batch) {
      this.asked.delete(question);
      resolve(answers.get(question));
    }
  }
}
