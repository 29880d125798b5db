import * as vscode from 'vscode';
import { Paced } from '../app/change-event';
import { rowsAsText, type Row } from './row';
import { RowTree } from './row-tree';

/** A view that is drawn from rows: only while it is seen, as often as it must be. */
export class RowView implements vscode.Disposable {
  private readonly tree = new RowTree();
  private readonly view: vscode.TreeView<unknown>;
  private readonly drawing = new Paced(() => this.draw());
  private clock: NodeJS.Timeout | undefined;

  constructor(
    id: string,
    private readonly rows: (now: number) => Row[],
    /** Whether what is shown changes by itself while time passes. */
    private readonly ticks: () => boolean,
    /** A sentence above the rows, where there is something to say of all of them. */
    private readonly message: () => string | undefined = () => undefined,
    /** Called when somebody begins to look, or looks no more. */
    seen: (visible: boolean) => void = () => {},
  ) {
    this.view = vscode.window.createTreeView(id, { treeDataProvider: this.tree, showCollapseAll: false });
    this.view.onDidChangeVisibility(() => {
      this.update();
      seen(this.view.visible);
    });
  }

  get visible(): boolean {
    return this.view.visible;
  }

  /** Asks for a new drawing; free while nobody looks. */
  update(): void {
    if (this.view.visible) this.drawing.ask();
    else this.stopClock();
  }

  /** What waits for a look, as a number beside the view's icon. */
  showCount(count: number, what: string): void {
    if (this.view.badge?.value === count || (count === 0 && !this.view.badge)) return;
    this.view.badge = count === 0 ? undefined : { value: count, tooltip: what };
  }

  /** Opens the view at a row, without taking the focus. */
  async reveal(id: string): Promise<void> {
    this.draw();
    const node = this.tree.node(id);
    if (node) await this.view.reveal(node, { select: false, focus: false, expand: true });
  }

  asText(): string {
    return rowsAsText(this.rows(Date.now()));
  }

  private draw(): void {
    this.tree.draw(this.rows(Date.now()));
    if (this.view.message !== this.message()) this.view.message = this.message() ?? '';
    if (!this.ticks()) this.stopClock();
    else this.clock ??= setInterval(() => this.drawing.ask(), 1000);
  }

  private stopClock(): void {
    clearInterval(this.clock);
    this.clock = undefined;
  }

  dispose(): void {
    this.stopClock();
    this.drawing.dispose();
    this.view.dispose();
    this.tree.dispose();
  }
}
