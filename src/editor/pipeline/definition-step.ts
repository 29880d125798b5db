import * as vscode from 'vscode';
import type { Service } from '../app/state';

/** Shows where a step is written in its `delivery.yaml`; the file's top where it is not found. */
export async function revealStep(service: Service, step: string | undefined): Promise<void> {
  const document = await vscode.workspace.openTextDocument(service.file);
  const line = step === undefined ? 0 : Math.max(0, stepLine(document.getText().split(/\r?\n/), step));
  const place = document.lineAt(line).range;
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(place.start, place.start) });
}

/** The line of a step's key below `steps:`, from 0; -1 where there is none. */
function stepLine(lines: readonly string[], step: string): number {
  const steps = lines.findIndex((line) => /^steps\s*:/.test(line));
  const key = [step, `'${step}'`, `"${step}"`];
  return lines.findIndex((line, index) => {
    const [before, colon] = [line.trim().split(':')[0]?.trim() ?? '', line.includes(':')];
    return index > steps && /^\s/.test(line) && colon && key.includes(before);
  });
}
