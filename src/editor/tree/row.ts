/** One row of a tree as data: what is shown, what is read aloud, and what commands act on. */
export interface Row {
  /** The same thing keeps its id from one drawing to the next. */
  readonly id: string;
  readonly label: string;
  readonly description?: string;
  readonly icon?: RowIcon;
  /** Plain text. */
  readonly tooltip?: string;
  /** What a screen reader says instead of the label. */
  readonly ariaLabel: string;
  /** What menus match on: words between spaces. */
  readonly contextValues?: readonly string[];
  /** Absent: a leaf. */
  readonly open?: 'expanded' | 'collapsed';
  readonly children?: readonly Row[];
  readonly subject: CommandTarget;
  /** The command of a click; it is given the row's subject. */
  readonly click?: string;
}

export interface RowIcon {
  /** A codicon's name. */
  readonly name: string;
  /** A theme colour's id. */
  readonly color?: string;
}

/** What a command is asked to act on; absent parts are the command's to choose. */
export interface CommandTarget {
  /** The key of a service of this window. */
  readonly service?: string;
  readonly run?: string;
  readonly step?: string;
  /** The id of a problem. */
  readonly problem?: string;
  readonly environment?: string;
  /** The name of a service in an environment, which may belong to another repository. */
  readonly deployed?: string;
  readonly url?: string;
  /** The commit of a recent change. */
  readonly change?: string;
  /** An item of feedback by its id, and the source that it is from. */
  readonly item?: string;
  readonly source?: string;
  /** A manual handover by its place, as in `.gitlab-ci.yml:12`. */
  readonly place?: string;
  /** What *Copy* copies. */
  readonly text?: string;
}

/** A tree as text, one row a line: what tests and screen-less readers see. */
export function rowsAsText(rows: readonly Row[], depth = 0): string {
  return rows
    .map((row) => {
      const mark = row.open === undefined ? ' ' : row.open === 'expanded' ? 'v' : '>';
      const icon = row.icon ? `[${row.icon.name}] ` : '';
      const line = `${'  '.repeat(depth)}${mark} ${icon}${row.label}${row.description ? `  ${row.description}` : ''}\n`;
      return line + rowsAsText(row.children ?? [], depth + 1);
    })
    .join('');
}
