import * as path from 'node:path';
import * as vscode from 'vscode';
import { diffLines } from '../core/changes/diff-lines';
import { splitLines } from '../core/changes/hunks';
import { LineMap } from '../core/changes/line-map';
import type { PlaceNow, PlacesNow } from '../core/changes/places-now';
import { Changes, Paced } from './changes';
import type { Failure } from './failures';
import type { Repositories } from './repositories';
import type { Service } from './state';

/** Where a problem is in the window's files now. */
export interface EditorPlace {
  readonly uri: vscode.Uri;
  /** From 0. Absent: the line is gone, or none was named. */
  readonly line?: number;
  /** From 0. */
  readonly column?: number;
  readonly confidence: PlaceNow['confidence'];
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
    if (problem.path === undefined) return undefined;
    return this.locate(service, run.change.commit, { ...problem, path: problem.path });
  }

  /** Where a place of a delivered commit is now. */
  async locate(
    service: Service,
    commit: string,
    place: { readonly path: string; readonly line?: number; readonly column?: number },
  ): Promise<EditorPlace | undefined> {
    const places = (await this.repositories.of(service))?.places;
    const saved = await places?.lineNow(commit, place.path, place.line ?? 1);
    if (!places || !saved) return undefined;
    const uri = vscode.Uri.file(path.join(service.root, saved.path));
    const now = (await this.inUnsaved(places, uri, commit, place)) ?? saved;
    const at = place.line === undefined || now.line === undefined ? {} : { line: now.line - 1 };
    const column = now.confidence === 'exact' && place.column !== undefined && 'line' in at ? { column: place.column - 1 } : {};
    return { uri, ...at, ...column, confidence: place.line === undefined ? 'file' : now.confidence };
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
    const places = new Map<string, EditorPlace>();
    for (const [index, failure] of this.failures.entries()) {
      // What is known already is found without a pause: typing goes on between portions.
      if (index % atOnce === atOnce - 1) await new Promise((resolve) => setImmediate(resolve));
      const place = await this.find(failure);
      // Something newer is under way.
      if (turn !== this.turn) return;
      if (place) places.set(failure.id, place);
    }
    this.places = places;
    this.changes.tell();
  }

  private async inUnsaved(
    places: PlacesNow,
    uri: vscode.Uri,
    commit: string,
    place: { readonly path: string; readonly line?: number },
  ): Promise<Omit<PlaceNow, 'path'> | undefined> {
    const document = vscode.workspace.textDocuments.find((open) => open.isDirty && open.uri.toString() === uri.toString());
    const before = document && (await places.textAt(commit, place.path));
    if (!document || before === undefined || place.line === undefined) return undefined;
    const [then, now] = [splitLines(before), splitLines(document.getText())];
    return new LineMap(then, now, diffLines(then, now)).map(place.line) ?? { confidence: 'file' };
  }

  private isConcerned(uri: vscode.Uri): boolean {
    return [...this.places.values()].some((place) => place.uri.toString() === uri.toString());
  }
}
