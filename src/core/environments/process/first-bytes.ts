/** The size at which a request line is certainly too long. */
const maxLineBytes = 64 * 1024;

const requestLine = /^[!#$%&'*+.^_`|~\w-]+ \S+ HTTP\/1\.[01]\r?$/;
const partOfRequestLine = /^[!#$%&'*+.^_`|~\w-]+( (\S+( (H(T(T(P(\/(1(\.([01]\r?)?)?)?)?)?)?)?)?)?)?)?$/;

/**
 * Returns whether the first bytes of a connection begin an HTTP/1 request, or `more` if further bytes decide. TLS, HTTP/2 with prior
 * knowledge and other protocols are `bytes`.
 */
export function protocolOf(first: Buffer): 'http' | 'bytes' | 'more' {
  // Some clients send an empty line before a request.
  const text = first.toString('latin1', 0, maxLineBytes).replace(/^(\r\n)+/, '');
  const end = text.indexOf('\n');
  if (end >= 0) return requestLine.test(text.slice(0, end)) ? 'http' : 'bytes';
  if (first.length >= maxLineBytes) return 'http';
  return text === '' || text === '\r' || partOfRequestLine.test(text) ? 'more' : 'bytes';
}
