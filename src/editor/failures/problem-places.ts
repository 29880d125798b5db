import * as path from 'node:path';
import * as vscode from 'vscode';
import { diffLines, splitLines } from '../../core/location/diff-lines';
import { LineMap } from '../../core/location/line-map';
import type { ChangedFile, PlaceNow } from '../../core/location/places-now';
import { ChangeEvent, Throttle } from '../app/change-event';
import type { Failure } from './failures';
import type { Repositories } from '../app/repositories';
import type { Service } from '../app/state';

/** The current place of a problem in the window's files. */
export interface EditorPlace {
  readonly uri: vscode.Uri;
  /** From 0; undefined if the line is unknown. */
  readonly line?: number | undefined;
  /** From 0. */
  readonly column?: number | undefined;
  readonly confidence: PlaceNow['confidence'];
}

/** A place in the delivered commit. Lines and columns count from 1. */
interface DeliveredPlace {
  readonly line?: number;
  readonly column?: number;
}

/** A delivered file as it is now, including unsaved edits. */
interface EditorFile {
  readonly uri: vscode.Uri;
  readonly line: (line: number) => Omit<PlaceNow, 'path'>;
}

export const maxPlacedProblems = 1000;

const batchSize = 50;

/** Tracks the places of current failures through commits, renames and unsaved edits. */
export class ProblemPlaces implements vscode.Disposable {
  readonly changed = new ChangeEvent();
  private readonly refreshing = new Throttle(() => void this.refresh(), 150);
  private readonly events: vscode.Disposable;
  private failures: readonly Failure[] = [];
  private places = new Map<string, EditorPlace>();
  private ids = '';
  private latest = 0;

  constructor(private readonly repositories: Repositories) {
    this.events = vscode.Disposable.from(
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.isConcerned(document.uri) && this.refreshing.schedule()),
      vscode.workspace.onDidSaveTextDocument(() => this.refreshing.schedule()),
      vscode.workspace.onDidRenameFiles(() => this.refreshing.schedule()),
      vscode.window.onDidChangeWindowState(({ focused }) => focused && this.refreshing.schedule()),
    );
  }

  /** Sets the current failures. Runs git: do not call it in a folder that is not trusted. */
  update(failures: readonly Failure[]): void {
    this.failures = failures.slice(0, maxPlacedProblems);
    const ids = this.failures.map((failure) => failure.id).join('\n');
    if (ids === this.ids) return;
    this.ids = ids;
    this.refreshing.schedule();
  }

  of(failure: Failure): EditorPlace | undefined {
    return this.places.get(failure.id);
  }

  /** Returns the place of any failure, also of an earlier run. */
  async find({ service, run, problem }: Failure): Promise<EditorPlace | undefined> {
    return problem.path === undefined ? undefined : this.locate(service, run.change.commit, { ...problem, path: problem.path });
  }

  /** Returns the current place of a place in a delivered commit. */
  async locate(service: Service, commit: string, place: DeliveredPlace & { readonly path: string }): Promise<EditorPlace | undefined> {
    const file = await this.fileNow(service, commit, place.path);
    return file && placeIn(file, place);
  }

  /** Returns the first of a failure's files that changed since a commit, or else its first file. Counts unsaved edits. */
  async changeSince(commit: string, { service, run, problem }: Failure): Promise<(ChangedFile & { readonly uri: vscode.Uri }) | undefined> {
    const places = (await this.repositories.of(service))?.places;
    const paths = problem.path === undefined ? [] : [problem.path, ...(problem.stack ?? [])];
    const found = await Promise.all(paths.map(async (name) => places?.changeSince(commit, run.change.commit, name)));
    const files = found.flatMap((file) => {
      if (!file) return [];
      const uri = vscode.Uri.file(path.join(service.root, file.path));
      const isDirty = vscode.workspace.textDocuments.some((open) => open.isDirty && open.uri.toString() === uri.toString());
      return [{ ...file, uri, isChanged: file.isChanged || isDirty }];
    });
    return files.find(({ isChanged }) => isChanged) ?? files[0];
  }

  /** Returns the text of a file in a commit. */
  async textAt(service: Service, commit: string, file: string): Promise<string | undefined> {
    return (await this.repositories.of(service))?.places.textAt(commit, file);
  }

  dispose(): void {
    this.latest += 1;
    this.refreshing.dispose();
    this.events.dispose();
  }

  private async refresh(): Promise<void> {
    const turn = ++this.latest;
    const files = new Map<string, EditorFile | undefined>();
    const places = new Map<string, EditorPlace>();
    for (const [index, { id, service, run, problem }] of this.failures.entries()) {
      // Pauses between batches keep the editor responsive.
      if (index % batchSize === batchSize - 1) await new Promise((resolve) => setImmediate(resolve));
      if (problem.path === undefined) continue;
      const key = [service.root, run.change.commit, problem.path].join('\n');
      if (!files.has(key)) files.set(key, await this.fileNow(service, run.change.commit, problem.path));
      // A newer refresh has started.
      if (turn !== this.latest) return;
      const file = files.get(key);
      if (file) places.set(id, placeIn(file, problem));
    }
    this.places = places;
    this.changed.fire();
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
  // The column is valid only if the text of the line is the same.
  const columnNow = now.confidence === 'exact' && column !== undefined ? column - 1 : undefined;
  return { uri, line: now.line - 1, column: columnNow, confidence: now.confidence };
}
