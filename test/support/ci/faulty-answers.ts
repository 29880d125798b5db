import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Asked } from '../http-server';
import type { Random } from '../random';

interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly bytes: Buffer;
}

/** How an answer can go wrong on the way. `old`: what was answered before to the same question comes once more. */
const kinds = ['drop', 'delay', 'cut', 'cut chunks', 'truncate', 'limit', 'error', 'page', 'old', 'slow'] as const;

/** The way between a server of the tests and who asks it, where answers are lost, delayed, broken off and reordered at random. */
export class FaultyAnswers {
  /** The part of the answers that something happens to. */
  probability = 0;
  /** Called with each request before it is answered. */
  asked: (() => void) | undefined;
  private readonly before = new Map<string, Answer[]>();
  /** Addresses whose last answer was an old one: what remembers it on the way asks itself the next time. */
  private readonly stale = new Set<string>();

  constructor(
    private readonly random: Random,
    private readonly trace: (line: string) => void,
  ) {}

  /** Takes the answer of a server out of its hands: what it writes goes through here. */
  readonly take = (asked: Asked, response: ServerResponse): void => {
    this.asked?.();
    let head: Omit<Answer, 'bytes'> = { status: 200, headers: {} };
    const writeHead = response.writeHead.bind(response);
    const end = response.end.bind(response);
    const taken = response as { writeHead: unknown; end: unknown };
    taken.writeHead = (status: number, headers: OutgoingHttpHeaders): ServerResponse => {
      head = { status, headers };
      return response;
    };
    taken.end = (body?: string | Buffer): ServerResponse => {
      Object.assign(response, { writeHead, end });
      void this.send(asked, { ...head, bytes: Buffer.from((body ?? '') as string) }, response);
      return response;
    };
  };

  private async send({ method, target, headers }: Asked, answer: Answer, response: ServerResponse): Promise<void> {
    const question = `${method} ${target} ${headers.range ?? ''}`.trim();
    const known = this.before.get(question) ?? [];
    this.before.set(question, known);
    const kind = this.random.happens(this.probability) ? this.random.one(kinds) : undefined;
    const told = this.changed(kind === 'old' && this.stale.has(target) ? [] : known, answer, kind);
    // What has not changed is no answer to who did not ask whether it has.
    if (answer.status !== 304 && kind !== 'old') known.push(answer);
    if (kind === 'old' && told !== answer) this.stale.add(target);
    else this.stale.delete(target);
    this.trace(`${question} → ${told.status}, ${told.bytes.length} bytes${kind === undefined ? '' : ` (${kind})`}`);
    if (kind === 'delay') await delay(this.random.below(4));
    await this.write(told, kind, response);
  }

  private changed(known: readonly Answer[], answer: Answer, kind: (typeof kinds)[number] | undefined): Answer {
    const json = { 'Content-Type': 'application/json' };
    const text = (status: number, body: string, headers: OutgoingHttpHeaders): Answer => {
      const bytes = Buffer.from(body);
      return { status, headers: { ...headers, 'Content-Length': bytes.length }, bytes };
    };
    switch (kind) {
      case 'limit':
        return text(429, '{"message":"Too many requests"}', { ...json, 'Retry-After': String(this.random.below(30)) });
      case 'error':
        return text(500 + this.random.below(5), '{"message":"Something went wrong"}', json);
      case 'page':
        return text(200, '<!DOCTYPE html><title>Down for maintenance</title>', { 'Content-Type': 'text/html; charset=utf-8' });
      case 'old':
        return known.length > 0 ? this.random.one(known) : answer;
      case 'truncate':
        return isJson(answer)
          ? text(answer.status, answer.bytes.toString('utf8', 0, this.place(answer)), withoutTag(answer.headers))
          : answer;
      default:
        return answer;
    }
  }

  private async write(
    { status, headers, bytes }: Answer,
    kind: (typeof kinds)[number] | undefined,
    response: ServerResponse,
  ): Promise<void> {
    if (kind === 'drop') return void response.destroy();
    const isCut = (kind === 'cut' || kind === 'cut chunks') && bytes.length > 0;
    const unmeasured = { ...headers };
    delete unmeasured['Content-Length'];
    response.writeHead(status, kind === 'cut chunks' ? unmeasured : headers);
    if (isCut) {
      const part = bytes.subarray(0, this.place({ bytes }));
      if (part.length === 0) response.flushHeaders();
      else await new Promise((resolve) => response.write(part, resolve));
      await new Promise((resolve) => setImmediate(resolve));
      return void response.destroy();
    }
    if (kind === 'slow')
      for (let at = 0, size = Math.ceil(bytes.length / 3); at < bytes.length; at += size) {
        response.write(bytes.subarray(at, at + size));
        await delay(1);
      }
    response.end(kind === 'slow' ? undefined : bytes);
  }

  private place({ bytes }: Pick<Answer, 'bytes'>): number {
    return this.random.below(bytes.length);
  }
}

function isJson({ status, headers, bytes }: Answer): boolean {
  return status === 200 && bytes.length > 0 && String(headers['Content-Type']).includes('json');
}

/** What was broken off is not remembered under the name of the whole. */
function withoutTag({ ETag: _tag, ...headers }: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return headers;
}
