import { noJson } from '../http/api';
import type { HttpAnswer, HttpFailure } from '../http/http-answer';
import type { ConditionalClient } from './conditional-client';

/**
 * What an address holds from byte `from` on, handed to `write` as it arrives. A server that knows ranges (RFC 9110, section 14)
 * sends no more than that; of one that sends the whole, what was had before is passed over. Nothing new is an answer, too.
 */
export async function readFrom(
  { api }: ConditionalClient,
  path: string,
  from: number,
  write: (bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<HttpAnswer | HttpFailure> {
  let at: number | undefined;
  let isPage = false;
  const answer = await api.stream(
    path,
    (bytes, { status, headers }) => {
      // No log and no archive is a web page: this one asks for a sign-in, or says that something is broken.
      isPage ||= headers['content-type']?.includes('text/html') ?? false;
      if (isPage) return;
      at ??= status === 206 ? startOf(headers['content-range']) : 0;
      const missing = at === undefined ? bytes.length : Math.max(0, from - at);
      at = (at ?? 0) + bytes.length;
      if (missing < bytes.length) write(bytes.subarray(missing));
    },
    signal,
    // A range of a compressed answer would be one of other bytes; what is remembered on the way of a log that grows is a part of it.
    { Accept: '*/*', 'Accept-Encoding': 'identity', 'Cache-Control': 'no-cache', ...(from > 0 && { Range: `bytes=${from}-` }) },
  );
  if (answer.state === 'failed' && answer.status === 416) return { state: 'answered', status: 416, headers: {}, text: '', url: path };
  return isPage && answer.state === 'answered' ? noJson('<', answer.headers, answer.url, answer.status, 'what is stored there') : answer;
}

/** Of a `Content-Range`. Another part than was asked for may begin anywhere, but it says where. */
function startOf(range: string | undefined): number | undefined {
  const start = /^bytes (\d+)-/.exec(range ?? '')?.[1];
  return start === undefined ? undefined : Number(start);
}
