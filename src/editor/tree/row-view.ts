import * as vscode from 'vscode';
import { plain } from '../../core/support/terminal-text';
import { Throttle } from '../app/change-event';
import { rowsAsText, type Row } from './row';

/** A tree view that is drawn from rows, only while it is visible. */
export class RowView implements vscode.Disposable {
  private readonly tree = new RowTree();
  private readonly view: vscode.TreeView<unknown>;
  private readonly drawing = new Throttle(() => this.draw());
  private clock: NodeJS.Timeout | undefined;

  constructor(
    id: string,
    private readonly rows: (now: number) => Row[],
    /** Returns true if the rows change as time passes. */
    private readonly ticks: () => boolean,
    /** Returns a message above the rows. */
    private readonly message: () => string | undefined = () => undefined,
    onVisibilityChange: (visible: boolean) => void = () => {},
  ) {
    this.view = vscode.window.createTreeView(id, { treeDataProvider: this.tree, showCollapseAll: true });
    this.view.onDidChangeVisibility(() => {
      this.update();
      onVisibilityChange(this.view.visible);
    });
  }

  get visible(): boolean {
    return this.view.visible;
  }

  update(): void {
    if (this.view.visible) this.drawing.schedule();
    else this.stopClock();
  }

  /** Shows a number beside the icon of the view container. */
  showBadge(value: number, tooltip: string): void {
    if (this.view.badge?.value === value || (value === 0 && !this.view.badge)) return;
    this.view.badge = value === 0 ? undefined : { value, tooltip };
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
    else this.clock ??= setInterval(() => this.drawing.schedule(), 1000);
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

/** A row in a tree. The node object is kept between drawings, so that the tree does not flicker. */
export class RowNode {
  constructor(public row: Row) {}
}

/** Provides the nodes of a tree view. Each drawing fires only for rows that differ. */
class RowTree implements vscode.TreeDataProvider<RowNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<RowNode[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private rows: readonly Row[] = [];
  private nodes = new Map<string, RowNode>();
  private parents = new Map<string, string>();

  draw(rows: readonly Row[]): void {
    const isRootChanged = idsOf(rows) !== idsOf(this.rows);
    this.rows = rows;
    const before = this.nodes;
    this.nodes = new Map();
    this.parents = new Map();
    const different: RowNode[] = [];
    const visit = (row: Row, parent?: Row): void => {
      const node = before.get(row.id) ?? new RowNode(row);
      if (!isDrawnSame(node.row, row)) different.push(node);
      node.row = row;
      this.nodes.set(row.id, node);
      if (parent) this.parents.set(row.id, parent.id);
      for (const child of row.children ?? []) visit(child, row);
    };
    for (const row of rows) visit(row);
    if (isRootChanged) this.changed.fire(undefined);
    else if (different.length > 0) this.changed.fire(different);
  }

  node(id: string): RowNode | undefined {
    return this.nodes.get(id);
  }

  getChildren(node?: RowNode): RowNode[] {
    return ((node ? node.row.children : this.rows) ?? []).flatMap((row) => this.nodes.get(row.id) ?? []);
  }

  getParent(node: RowNode): RowNode | undefined {
    const parent = this.parents.get(node.row.id);
    return parent === undefined ? undefined : this.nodes.get(parent);
  }

  getTreeItem(node: RowNode): vscode.TreeItem {
    const { row } = node;
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(plain(row.label), row.open === undefined ? None : row.open === 'expanded' ? Expanded : Collapsed);
    item.id = row.id;
    item.description = plain(row.description ?? '');
    item.tooltip = plain(row.tooltip ?? row.label);
    item.accessibilityInformation = { label: plain(row.ariaLabel) };
    if (row.icon) item.iconPath = new vscode.ThemeIcon(row.icon.name, row.icon.color ? new vscode.ThemeColor(row.icon.color) : undefined);
    if (row.contextValues) item.contextValue = ` ${row.contextValues.join(' ')} `;
    if (row.click) item.command = { command: row.click, title: '', arguments: [row.target] };
    return item;
  }

  dispose(): void {
    this.changed.dispose();
  }
}

function idsOf(rows: readonly Row[]): string {
  return rows.map((row) => row.id).join('\n');
}

/** Ignores the content of child rows, which are compared on their own. */
function isDrawnSame(a: Row, b: Row): boolean {
  const flat = (row: Row): string => JSON.stringify({ ...row, children: idsOf(row.children ?? []) });
  return flat(a) === flat(b);
}
