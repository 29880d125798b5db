import { httpAddress } from './http-address';
import type { HttpFailure } from './http-answer';

/** A page of a list. */
export interface Page {
  readonly state: 'answered';
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The final address, after redirects. */
  readonly url: string;
}

/** The pages of a list. */
export interface Pages<P extends Page> {
  readonly state: 'pages';
  readonly pages: readonly [P, ...P[]];
  /** Why further pages were not read; undefined if all were read. */
  readonly cut?: string;
}

export interface PageReading<P extends Page> {
  readonly first: string;
  readonly get: (url: string, index: number) => Promise<P | HttpFailure>;
  /** Returns the address of the next page; undefined after the last. */
  readonly next: (page: P, index: number) => string | undefined;
  readonly most: number;
}

/** Reads page after page. Any failure fails the whole list, so that an incomplete list is never taken as complete. */
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
    const cut = (why: string): Pages<P> => ({ state: 'pages', pages, cut: `the pages after page ${pages.length} were not read: ${why}` });
    if (typeof following === 'string') return cut(following);
    if (following.origin !== from.origin) return cut(`the next page is on another host, ${following.host}`);
    if (seen.has(following.href)) return cut('the next page was read already');
    if (pages.length >= most) return cut(`the limit is ${most} pages`);
    const answer = await get(following.href, pages.length);
    if (answer.state === 'failed') return answer;
    seen.add(following.href).add(answer.url);
    pages.push(answer);
    page = answer;
  }
}

const link = /<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)/g;
const attribute = /;\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^",;\s]+))/g;

/** Returns the next page from the `Link` header. Sentry names one after the last page as well, marked as having no results. */
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
