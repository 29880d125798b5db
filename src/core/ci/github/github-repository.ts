import type { JsonAnswer } from '../../http/api';
import { isGithubRepository } from '../../http/github-address';
import type { HttpAnswer } from '../../http/http-answer';
import { shownAddress } from '../../http/http-address';
import { listOf, recordOf } from '../../support/json-value';
import { linkToNext, readPages } from '../../http/pages';
import type { ConditionalClient } from '../conditional-client';
import { readFrom } from '../ranges';
import { ok, type CiFailure, type CiResult } from '../ci-client';

export type Fields = Readonly<Record<string, unknown>>;

/** More jobs than a workflow can have: 256 of a matrix, and 100 on a page. */
const mostPages = 30;

/** What is asked of one repository of GitHub; paths are below it, or empty for itself. */
export class GithubRepository {
  private readonly folder: string;

  constructor(
    readonly asking: ConditionalClient,
    /** `owner/name` */
    readonly name: string,
  ) {
    this.folder = `/repos/${name}`;
  }

  async get(path: string, signal: AbortSignal): Promise<CiResult<Fields>> {
    if (!this.isNamed) return this.nameless();
    const answer = await this.asking.get(`${this.folder}${path}`, signal);
    if (answer.state === 'failed') return answer;
    const fields = recordOf(answer.value);
    return fields ? ok(fields) : unlike('an object', answer);
  }

  /** All pages of a list, which lies under `key` where one is named; what is no object in it is passed over. */
  async list(path: string, key: string | undefined, signal: AbortSignal, most = mostPages): Promise<CiResult<readonly Fields[]>> {
    if (!this.isNamed) return this.nameless();
    const list = await readPages<JsonAnswer>({
      first: `${this.folder}${path}`,
      get: async (url) => {
        const answer = await this.asking.get(url, signal);
        if (answer.state === 'failed' || Array.isArray(this.listed(answer, key))) return answer;
        return unlike(key === undefined ? 'a list' : `a list of ${key}`, answer);
      },
      next: (page) => linkToNext(page)?.address,
      most,
    });
    if (list.state === 'failed') return list;
    if (list.cut !== undefined && most > 1) return { state: 'failed', reason: 'answer', message: `${this.name}: ${list.cut}` };
    return ok(
      list.pages.flatMap((page) =>
        listOf(this.listed(page, key))
          .map(recordOf)
          .filter((one) => one !== undefined),
      ),
    );
  }

  async post(path: string, body: unknown, signal: AbortSignal): Promise<JsonAnswer | CiFailure> {
    return this.isNamed ? this.asking.write('POST', `${this.folder}${path}`, body, signal) : this.nameless();
  }

  async bytes(path: string, from: number, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<HttpAnswer | CiFailure> {
    return this.isNamed ? readFrom(this.asking, `${this.folder}${path}`, from, write, signal) : this.nameless();
  }

  private listed({ value }: JsonAnswer, key: string | undefined): unknown {
    return key === undefined ? value : recordOf(value)?.[key];
  }

  private get isNamed(): boolean {
    return isGithubRepository(this.name);
  }

  private nameless(): CiFailure {
    return {
      state: 'failed',
      reason: 'answer',
      message: `“${this.name}” is not owner/name`,
      hint: 'origin should be a repository of GitHub',
    };
  }
}

function unlike(wanted: string, { url, status }: JsonAnswer): CiFailure {
  return { state: 'failed', reason: 'answer', status, message: `${shownAddress(url)} answered JSON that is not ${wanted}` };
}
