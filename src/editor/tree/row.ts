/** A row of a tree as data: its text, its text for screen readers, and the target of its commands. */
export interface Row {
  /** Stays the same from one drawing to the next. */
  readonly id: string;
  readonly label: string;
  readonly description?: string | undefined;
  readonly icon?: RowIcon;
  /** Plain text. */
  readonly tooltip?: string;
  /** A screen reader reads this instead of the label. */
  readonly ariaLabel: string;
  /** Menus match these words. */
  readonly contextValues?: readonly string[];
  /** Undefined for a leaf. */
  readonly open?: 'expanded' | 'collapsed' | undefined;
  readonly children?: readonly Row[] | undefined;
  readonly target: CommandTarget;
  /** The command that a click runs on the target. */
  readonly click?: string | undefined;
}

export interface RowIcon {
  /** The name of a codicon. */
  readonly name: string;
  /** The id of a theme colour. */
  readonly color?: string;
}

/** The object of a command. The command chooses the parts that are undefined. */
export interface CommandTarget {
  /** The key of a service in this window. */
  readonly service?: string | undefined;
  readonly run?: string | undefined;
  readonly step?: string | undefined;
  /** The id of a problem. */
  readonly problem?: string;
  readonly environment?: string | undefined;
  /** The name of a service in an environment. The service may belong to another repository. */
  readonly deployed?: string;
  readonly url?: string | undefined;
  /** The commit of a recent change. */
  readonly change?: string;
  /** The id of a feedback item. */
  readonly item?: string;
  /** The feedback source of the item. */
  readonly source?: string;
  /** The place of a manual handover, such as `.gitlab-ci.yml:12`. */
  readonly place?: string;
  /** The text for *Copy*. */
  readonly text?: string;
}

/** Returns a tree as text, one row per line. */
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
