import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { candidates, mentionsIn, type Roots } from './mentioned-places';
import type { ServiceState, WindowState } from './state';

/** Only the end of a long text gets links: that is what is looked at. */
const linesWithLinks = 2000;

/** Makes paths in logs links to the files as they are now: of the repository, and Deliver's own logs. */
export class LogLinks implements vscode.DocumentLinkProvider, vscode.Disposable {
  private readonly registration = vscode.languages.registerDocumentLinkProvider({ language: 'deliver-log' }, this);

  constructor(private readonly state: () => WindowState) {}

  provideDocumentLinks(document: vscode.TextDocument, cancelled: vscode.CancellationToken): vscode.DocumentLink[] {
    const { services } = this.state();
    const links: vscode.DocumentLink[] = [];
    const known = new Map<string, vscode.Uri | undefined>();
    for (
      let line = Math.max(0, document.lineCount - linesWithLinks);
      line < document.lineCount && !cancelled.isCancellationRequested;
      line++
    ) {
      for (const mention of mentionsIn(document.lineAt(line).text)) {
        if (!known.has(mention.path)) known.set(mention.path, fileOf(mention.path, services));
        const target = known.get(mention.path);
        if (!target) continue;
        const fragment = mention.line === undefined ? '' : `L${mention.line}${mention.column === undefined ? '' : `,${mention.column}`}`;
        links.push(new vscode.DocumentLink(new vscode.Range(line, mention.start, line, mention.end), target.with({ fragment })));
      }
    }
    return links;
  }

  dispose(): void {
    this.registration.dispose();
  }
}

/** The one file that is meant. Where services of the window each have such a file, none is: a guess would mislead. */
function fileOf(mentioned: string, services: readonly ServiceState[]): vscode.Uri | undefined {
  const own = services.some((service) => isLogOf(service, mentioned));
  const found = own
    ? [mentioned]
    : services.flatMap((service) => candidates(mentioned, rootsOf(service)).find((file) => isInside(service.root, file)) ?? []);
  const [first, ...others] = new Set(found);
  return first !== undefined && others.length === 0 ? vscode.Uri.file(first) : undefined;
}

function rootsOf(service: ServiceState): Roots {
  const slots = service.runs.flatMap((run) => run.slot ?? []);
  return { repository: service.root, folder: service.folder, slots: [...new Set(slots)] };
}

function isLogOf(service: ServiceState, file: string): boolean {
  return file.endsWith('.log') && isInside(service.home.runs, file);
}

/** Also after links on the disk are followed. */
function isInside(root: string, file: string): boolean {
  try {
    const relative = path.relative(fs.realpathSync(root), fs.realpathSync(file));
    return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative) && fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
