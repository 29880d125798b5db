/** Runs one task at a time, in the order in which they came. A task that fails does not hold up the next. */
export class SerialQueue {
  private last: Promise<unknown> = Promise.resolve();

  async run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task);
    this.last = result.catch(() => undefined);
    return result;
  }
}
