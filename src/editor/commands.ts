import * as vscode from 'vscode';
import type { Deliveries } from './deliveries';
import { RowNode } from './row-tree';
import type { Subject } from './row';

/** What commands are carried out with. */
export interface CommandParts {
  readonly deliveries: Deliveries;
  readonly reveal: (subject: Subject) => Promise<void>;
}

/** Every command of the extension, in every state: one that cannot do its work says why. */
export function commandTable(parts: CommandParts): Record<string, (subject: Subject) => Promise<void>> {
  const { deliveries } = parts;
  return {
    'deliver.deliver': (subject) => deliveries.deliver(subject),
    'deliver.showRun': (subject) => parts.reveal(subject),
  };
}

export function registerCommands(parts: CommandParts): vscode.Disposable {
  return vscode.Disposable.from(
    ...Object.entries(commandTable(parts)).map(([name, run]) =>
      vscode.commands.registerCommand(name, (argument?: unknown) => run(subjectOf(argument))),
    ),
  );
}

/** A command is called from a row, from a click on one, from a menu of a file, or from the palette. */
function subjectOf(argument: unknown): Subject {
  if (argument instanceof RowNode) return argument.subject;
  if (typeof argument !== 'object' || argument === null || argument instanceof vscode.Uri) return {};
  return argument;
}
