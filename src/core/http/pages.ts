import { httpAddress } from './http-address';
import type { HttpFailure } from './http-answer';

/** One page of a list, as it was answered. */
export interface Page {
  readonly state: 'answered';
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where it came from in the end. */
  readonly url: string;
}

/** Pages of one list. */
export interface Pages<P extends Page> {
  readonly state: 'pages';
  /** At least one. */
  readonly pages: readonly [P, ...P[]];
  /** Why there are further ones that were not read; undefined where all were. */
  readonly cut?: string;
}

export interface PageReading<P extends Page> {
  /** The address of the first. */
  readonly first: string;
  readonly get: (url: string, index: number) => Promise<P | HttpFailure>;
  /** The address of the next; undefined after the last. */
  readonly next: (page: P, index: number) => string | undefined;
  readonly most: number;
}

/** Reads page after page. A failure in the middle is one of the whole: nothing is taken for all there is. */
export async function readPages<P extends Page>({ first, get, next, most }: PageReading<P>): Promise<Pages<P> | HttpFailure> {
  const start = await get(first, 0);
  if (start.state === 'failed') return start;
  const pages: [P, ...P[]] = [start];
  const seen = new Set([first, start.url]);
  for (let page = start; ;) {
    const named = next(page, pages.length - 1);
    if (named === undefined) return { state: 'pages', pages };
    const from = new URL(page.url);
    const following = httpAddress(named, from);
    const cut = (why: string): Pages<P> => ({ state: 'pages', pages, cut: `what follows page ${pages.length} was not read: ${why}` });
    if (typeof following === 'string') return cut(following);
    if (following.origin !== from.origin) return cut(`it is at another host, ${following.host}`);
    if (seen.has(following.href)) return cut('it leads back to a page that was read before');
    if (pages.length >= most) return cut(`no more than ${most} pages are read at once`);
    const answer = await get(following.href, pages.length);
    if (answer.state === 'failed') return answer;
    seen.add(following.href).add(answer.url);
    pages.push(answer);
    page = answer;
  }
}

const link = /<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)/g;
const attribute = /;\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^",;\s]+))/g;

/** The next page, as a `Link` header names it. Sentry names one even after the last, and says that it has no results. */
export function linkToNext({ headers }: Pick<Page, 'headers'>): { readonly address: string; readonly cursor?: string } | undefined {
  for (const [, address = '', rest = ''] of (headers['link'] ?? '').matchAll(link)) {
    const attributes = new Map([...rest.matchAll(attribute)].map(([, name = '', quoted, plain]) => [name.toLowerCase(), quoted ?? plain]));
    const relations = attributes.get('rel')?.toLowerCase().split(/\s+/) ?? [];
    if (!relations.includes('next') || attributes.get('results') === 'false') continue;
    const cursor = attributes.get('cursor');
    return { address, ...(cursor !== undefined && { cursor }) };
  }
  return undefined;
}
