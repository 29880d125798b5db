import * as path from 'node:path';
import * as vscode from 'vscode';
import type { PlacedItem } from '../../core/feedback/placed-item';
import type { EditorPlace, ProblemPlaces } from '../failures/problem-places';
import type { Service } from '../app/state';

/** Where an item of feedback is in the window's files now, edits that are not saved included. */
export async function feedbackPlace(
  places: ProblemPlaces,
  service: Service,
  { places: known, running }: PlacedItem,
): Promise<EditorPlace | undefined> {
  const [place] = known;
  if (!place || !running || 'unknown' in running) return undefined;
  if (place.delivered.line !== undefined) return places.locate(service, running.commit, place.delivered);
  const uri = vscode.Uri.file(path.join(service.root, place.path));
  return { uri, ...(place.line !== undefined && { line: place.line - 1 }), confidence: place.line === undefined ? 'file' : 'approximate' };
}
