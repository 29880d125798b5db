import * as path from 'node:path';
import * as vscode from 'vscode';
import { diffLines, splitLines } from '../../core/location/diff-lines';
import { LineMap } from '../../core/location/line-map';
import type { PlaceNow } from '../../core/location/places-now';
import { Changes, Paced } from '../app/change-event';
import type { Failure } from './failures';
import type { Repositories } from '../app/repositories';
import type { Service } from '../app/state';

/** Where a problem is in the window's files now. */
export interface EditorPlace {
  readonly uri: vscode.Uri;
  /** From 0. Absent: the line is gone, or none was named. */
  readonly line?: number;
  /** From 0. */
  readonly column?: number;
  readonly confidence: PlaceNow['confidence'];
}

/** A place as it was delivered; from 1. */
interface DeliveredPlace {
  readonly line?: number;
  readonly column?: number;
}

/** A delivered file as it is in the window now, edits that are not saved included. */
interface EditorFile {
  readonly uri: vscode.Uri;
  readonly line: (line: number) => Omit<PlaceNow, 'path'>;
}

/** More problems than these are not placed. */
export const mostPlaced = 1000;

/** How many are placed in one go. */
const atOnce = 50;

/** Keeps the places of the problems that stand, through commits, renames and edits that are not saved yet. */
export class ProblemPlaces implements vscode.Disposable {
  readonly changes = new Changes();
  private readonly pace = new Paced(() => void this.refresh(), 150);
  private readonly events: vscode.Disposable;
  private failures: readonly Failure[] = [];
  private places = new Map<string, EditorPlace>();
  private shown = '';
  private turn = 0;

  constructor(private readonly repositories: Repositories) {
    this.events = vscode.Disposable.from(
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.isConcerned(document.uri) && this.pace.ask()),
      vscode.workspace.onDidSaveTextDocument(() => this.pace.ask()),
      vscode.workspace.onDidRenameFiles(() => this.pace.ask()),
      vscode.window.onDidChangeWindowState(({ focused }) => focused && this.pace.ask()),
    );
  }

  /** The problems that stand now. Runs git: not to be called in a folder that is not trusted. */
  update(failures: readonly Failure[]): void {
    this.failures = failures.slice(0, mostPlaced);
    const ids = this.failures.map((failure) => failure.id).join('\n');
    if (ids === this.shown) return;
    this.shown = ids;
    this.pace.ask();
  }

  of(failure: Failure): EditorPlace | undefined {
    return this.places.get(failure.id);
  }

  /** The place of any problem, also of one of an earlier run. */
  async find({ service, run, problem }: Failure): Promise<EditorPlace | undefined> {
    return problem.path === undefined ? undefined : this.locate(service, run.change.commit, { ...problem, path: problem.path });
  }

  /** Where a place of a delivered commit is now. */
  async locate(service: Service, commit: string, place: DeliveredPlace & { readonly path: string }): Promise<EditorPlace | undefined> {
    const file = await this.fileNow(service, commit, place.path);
    return file && placeIn(file, place);
  }

  /** The text of a file as it was in a commit. */
  async textAt(service: Service, commit: string, file: string): Promise<string | undefined> {
    return (await this.repositories.of(service))?.places.textAt(commit, file);
  }

  dispose(): void {
    this.turn += 1;
    this.pace.dispose();
    this.events.dispose();
  }

  private async refresh(): Promise<void> {
    const turn = ++this.turn;
    const files = new Map<string, EditorFile | undefined>();
    const places = new Map<string, EditorPlace>();
    for (const [index, { id, service, run, problem }] of this.failures.entries()) {
      // Typing goes on between portions.
      if (index % atOnce === atOnce - 1) await new Promise((resolve) => setImmediate(resolve));
      if (problem.path === undefined) continue;
      const key = [service.root, run.change.commit, problem.path].join('\n');
      // Many problems are in the same file, which is looked at once.
      if (!files.has(key)) files.set(key, await this.fileNow(service, run.change.commit, problem.path));
      // Something newer is under way.
      if (turn !== this.turn) return;
      const file = files.get(key);
      if (file) places.set(id, placeIn(file, problem));
    }
    this.places = places;
    this.changes.tell();
  }

  private async fileNow(service: Service, commit: string, name: string): Promise<EditorFile | undefined> {
    const places = (await this.repositories.of(service))?.places;
    const saved = await places?.fileNow(commit, name);
    if (!places || !saved) return undefined;
    const uri = vscode.Uri.file(path.join(service.root, saved.path));
    const unsaved = vscode.workspace.textDocuments.find((open) => open.isDirty && open.uri.toString() === uri.toString());
    const before = unsaved && (await places.textAt(commit, name));
    if (!unsaved || before === undefined) return { uri, line: (line) => saved.line(line) };
    const [then, now] = [splitLines(before), splitLines(unsaved.getText())];
    const lines = new LineMap(then, now, diffLines(then, now));
    return { uri, line: (line) => lines.map(line) ?? { confidence: 'file' } };
  }

  private isConcerned(uri: vscode.Uri): boolean {
    return [...this.places.values()].some((place) => place.uri.toString() === uri.toString());
  }
}

function placeIn({ uri, line: lineNow }: EditorFile, { line, column }: DeliveredPlace): EditorPlace {
  if (line === undefined) return { uri, confidence: 'file' };
  const now = lineNow(line);
  if (now.line === undefined) return { uri, confidence: now.confidence };
  // The column is that of the delivered line: it holds only where the text is the same.
  const sameColumn = now.confidence === 'exact' && column !== undefined ? { column: column - 1 } : {};
  return { uri, line: now.line - 1, ...sameColumn, confidence: now.confidence };
}
