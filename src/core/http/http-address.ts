/**
 * Returns the URL of an HTTP address without user and password, or a sentence why it is invalid. Relative addresses resolve
 * against `base`.
 */
export function httpAddress(address: string, base?: URL): URL | string {
  let url: URL;
  try {
    url = new URL(address, base);
  } catch {
    return `“${address.replace(/\?.*$/s, '').slice(0, 100)}” is not a valid address`;
  }
  if (!/^https?:$/.test(url.protocol)) return `${url.protocol}// is not a web address`;
  if (url.username !== '' || url.password !== '')
    return `the address of ${url.host} contains a user name or a password, which is not allowed`;
  url.hash = '';
  return url;
}

/** Returns whether a token may be sent to an address: over https, or to this machine. */
export function maySendToken(address: string | URL): boolean {
  const url = new URL(address);
  return url.protocol === 'https:' || isThisMachine(url);
}

export function isThisMachine({ hostname }: URL): boolean {
  return /^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** Returns host and path of a URL: its query may contain secrets. */
export function shownAddress(url: string): string {
  const address = httpAddress(url);
  return typeof address === 'string' ? 'the address' : `${address.host}${address.pathname}`;
}

/** Removes a secret from a response that repeats it. */
export function withoutSecret(text: string, secret: string | undefined): string {
  return secret === undefined || secret.length < 8 ? text : text.replaceAll(secret, '…');
}
