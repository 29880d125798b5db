import * as vscode from 'vscode';
import type { Row, CommandTarget } from './row';

/** A row's place in a tree: the same object from one drawing to the next, so that nothing flickers. */
export class RowNode {
  constructor(public row: Row) {}

  get subject(): CommandTarget {
    return this.row.subject;
  }
}

/** A tree view of rows. `draw` tells VS Code only about the rows that differ. */
export class RowTree implements vscode.TreeDataProvider<RowNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<RowNode[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private nodes = new Map<string, RowNode>();
  private parents = new Map<string, string>();
  rows: readonly Row[] = [];

  draw(rows: readonly Row[]): void {
    const top = idsOf(rows) !== idsOf(this.rows);
    this.rows = rows;
    const before = this.nodes;
    this.nodes = new Map();
    this.parents = new Map();
    const different: RowNode[] = [];
    const visit = (row: Row, parent?: Row): void => {
      const node = before.get(row.id) ?? new RowNode(row);
      if (!looksSame(node.row, row)) different.push(node);
      node.row = row;
      this.nodes.set(row.id, node);
      if (parent) this.parents.set(row.id, parent.id);
      for (const child of row.children ?? []) visit(child, row);
    };
    for (const row of rows) visit(row);
    if (top) this.changed.fire(undefined);
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
    const item = new vscode.TreeItem(row.label, row.open === undefined ? None : row.open === 'expanded' ? Expanded : Collapsed);
    item.id = row.id;
    item.description = row.description ?? '';
    item.tooltip = row.tooltip ?? row.label;
    item.accessibilityInformation = { label: row.ariaLabel };
    if (row.icon) item.iconPath = new vscode.ThemeIcon(row.icon.name, row.icon.color ? new vscode.ThemeColor(row.icon.color) : undefined);
    if (row.contextValues) item.contextValue = ` ${row.contextValues.join(' ')} `;
    if (row.click) item.command = { command: row.click, title: '', arguments: [row.subject] };
    return item;
  }

  dispose(): void {
    this.changed.dispose();
  }
}

function idsOf(rows: readonly Row[]): string {
  return rows.map((row) => row.id).join('\n');
}

/** Without what is below it: that is told of by itself, but for rows that come or go. */
function looksSame(a: Row, b: Row): boolean {
  const flat = (row: Row): string => JSON.stringify({ ...row, children: idsOf(row.children ?? []) });
  return flat(a) === flat(b);
}
