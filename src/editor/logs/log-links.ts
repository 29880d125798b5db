import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { candidates, mentionsIn, type Mention, type Roots } from './mentioned-places';
import type { ProblemPlaces } from '../failures/problem-places';
import type { Service, ServiceState, WindowState } from '../app/state';

/** Only the end of a long log has links. */
const maxLinkedLines = 2000;

interface MentionedFile {
  readonly file: string;
  /** Undefined for a log of Deliver. */
  readonly service?: ServiceState;
}

/** A link to a line. Its current place is found when the link is opened. */
class PlaceLink extends vscode.DocumentLink {
  constructor(
    range: vscode.Range,
    readonly service: Service,
    readonly commit: string,
    readonly file: string,
    readonly mention: Mention,
  ) {
    super(range);
    this.tooltip = 'Open the current place of this line';
  }
}

/** Links the paths in logs to the current places in the repository, and to Deliver's logs. */
export class LogLinks implements vscode.DocumentLinkProvider<vscode.DocumentLink>, vscode.Disposable {
  private readonly registration = vscode.languages.registerDocumentLinkProvider({ language: 'deliver-log' }, this);

  constructor(
    private readonly state: () => WindowState,
    private readonly places: ProblemPlaces,
  ) {}

  provideDocumentLinks(document: vscode.TextDocument, cancelled: vscode.CancellationToken): vscode.DocumentLink[] {
    const { services, trusted } = this.state();
    const links: vscode.DocumentLink[] = [];
    const files = new Map<string, MentionedFile | undefined>();
    const first = Math.max(0, document.lineCount - maxLinkedLines);
    let commit = commitOf(document, first, services);
    for (let line = first; line < document.lineCount && !cancelled.isCancellationRequested; line++) {
      const { text } = document.lineAt(line);
      commit = headCommit(text, services) ?? commit;
      for (const mention of mentionsIn(text)) {
        if (!files.has(mention.path)) files.set(mention.path, findFile(mention.path, services));
        const mentioned = files.get(mention.path);
        if (!mentioned) continue;
        const range = new vscode.Range(line, mention.start, line, mention.end);
        const { service, file } = mentioned;
        if (trusted && service && commit !== undefined && mention.line !== undefined)
          links.push(new PlaceLink(range, service, commit, file, mention));
        else links.push(new vscode.DocumentLink(range, target(file, mention)));
      }
    }
    return links;
  }

  async resolveDocumentLink(link: vscode.DocumentLink): Promise<vscode.DocumentLink> {
    if (!(link instanceof PlaceLink)) return link;
    const { service, commit, file, mention } = link;
    const inTree = path.relative(service.root, file).split(path.sep).join('/');
    const place = await this.places.locate(service, commit, { ...mention, path: inTree });
    // A file outside the change, such as generated code, is opened at the printed line.
    const now = place && {
      line: place.line === undefined ? undefined : place.line + 1,
      column: place.column === undefined ? undefined : place.column + 1,
    };
    link.target = place ? target(place.uri.fsPath, now) : target(file, mention);
    return link;
  }

  dispose(): void {
    this.registration.dispose();
  }
}

function target(file: string, at: { readonly line?: number | undefined; readonly column?: number | undefined } = {}): vscode.Uri {
  const fragment = at.line === undefined ? '' : `L${at.line}${at.column === undefined ? '' : `,${at.column}`}`;
  return vscode.Uri.file(file).with({ fragment });
}

/** Returns the commit of a log: of the run that wrote it or, in the output panel, of the heading above the line. */
function commitOf(document: vscode.TextDocument, line: number, services: readonly ServiceState[]): string | undefined {
  const runs = services.flatMap((service) => service.runs);
  const logRun = runs.find((run) => document.uri.query.includes(`/${run.id}/`) || document.uri.query.includes(`\\${run.id}\\`));
  if (logRun) return logRun.change.commit;
  for (let at = line; at >= 0; at--) {
    const commit = headCommit(document.lineAt(at).text, services);
    if (commit !== undefined) return commit;
  }
  return undefined;
}

function headCommit(text: string, services: readonly ServiceState[]): string | undefined {
  const short = /^── .* \(([0-9a-f]{7,40})(?: with uncommitted changes)?\) ──$/.exec(text)?.[1];
  if (short === undefined) return undefined;
  return services.flatMap((service) => service.runs).find((run) => run.change.commit.startsWith(short))?.change.commit;
}

/** Returns the file for a path. Returns nothing if several services have such a file, because a guess would mislead. */
function findFile(mentioned: string, services: readonly ServiceState[]): MentionedFile | undefined {
  if (services.some((service) => isLogOf(service, mentioned))) return { file: mentioned };
  const found = services.flatMap((service): MentionedFile[] => {
    const file = candidates(mentioned, rootsOf(service)).find((candidate) => isInside(service.root, candidate));
    return file === undefined ? [] : [{ file, service }];
  });
  return new Set(found.map(({ file }) => file)).size === 1 ? found[0] : undefined;
}

function rootsOf(service: ServiceState): Roots {
  const slots = service.runs.flatMap((run) => run.slot ?? []);
  return { repository: service.root, folder: service.folder, slots: [...new Set(slots)] };
}

function isLogOf(service: ServiceState, file: string): boolean {
  return file.endsWith('.log') && isInside(service.home.runs, file);
}

/** Returns true if the file is below the root after symbolic links are resolved. */
function isInside(root: string, file: string): boolean {
  try {
    const relative = path.relative(fs.realpathSync(root), fs.realpathSync(file));
    return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative) && fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
