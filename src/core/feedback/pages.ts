import type { JsonAnswer } from './api';
import { httpAddress } from './http-address';
import type { HttpFailure } from './http-failures';

/** Pages of one list. */
export interface Pages {
  readonly state: 'pages';
  /** At least one. */
  readonly pages: readonly JsonAnswer[];
  /** Why there are further ones that were not read; undefined where all were. */
  readonly cut?: string;
}

export interface PageReading {
  /** The address of the first. */
  readonly first: string;
  readonly get: (url: string, index: number) => Promise<JsonAnswer | HttpFailure>;
  /** The address of the next; undefined after the last. */
  readonly next: (page: JsonAnswer) => string | undefined;
  readonly most: number;
}

/** Reads page after page. A failure in the middle is one of the whole: nothing is taken for all there is. */
export async function readPages({ first, get, next, most }: PageReading): Promise<Pages | HttpFailure> {
  const pages: JsonAnswer[] = [];
  const asked = new Set<string>();
  for (let url = first; ;) {
    asked.add(url);
    const page = await get(url, pages.length);
    if (page.state === 'failed') return page;
    pages.push(page);
    asked.add(page.url);
    const named = next(page);
    if (named === undefined) return { state: 'pages', pages };
    const following = httpAddress(named, new URL(page.url));
    const cut = (why: string): Pages => ({ state: 'pages', pages, cut: `what follows page ${pages.length} was not read: ${why}` });
    if (typeof following === 'string') return cut(following);
    if (following.origin !== new URL(page.url).origin) return cut(`it is at another host, ${following.host}`);
    if (asked.has(following.href)) return cut('the page leads back to one that was read before');
    if (pages.length >= most) return cut(`no more than ${most} pages are read at once`);
    url = following.href;
  }
}

const link = /<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)/g;

/** The address that a `Link` header calls the next. Sentry names one even after the last, and says that it has no results. */
export function nextOfLink({ headers }: Pick<JsonAnswer, 'headers'>): string | undefined {
  for (const [, address, attributes = ''] of (headers['link'] ?? '').matchAll(link)) {
    if (/;\s*rel\s*=\s*"?(?:[^";]*\s)?next[\s";]?/i.test(attributes) && !/;\s*results\s*=\s*"?false/i.test(attributes)) return address;
  }
  return undefined;
}
