import type * as vscode from 'vscode';

const key = 'seenFeedback';
const mostKept = 5_000;

/** Which items of feedback were looked at, kept for this workspace. */
export class SeenItems {
  private readonly keys: Set<string>;

  constructor(private readonly memento: vscode.Memento) {
    this.keys = new Set(memento.get<string[]>(key, []));
  }

  has(item: string): boolean {
    return this.keys.has(item);
  }

  /** Whether any of them is new. */
  add(items: readonly string[]): boolean {
    const before = this.keys.size;
    for (const item of items) this.keys.add(item);
    if (this.keys.size === before) return false;
    void this.memento.update(key, [...this.keys].slice(-mostKept));
    return true;
  }
}
