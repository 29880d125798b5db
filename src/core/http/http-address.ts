/** An address that may be asked; else why not, in a sentence. Relative ones are of `base`. */
export function httpAddress(address: string, base?: URL): URL | string {
  let url: URL;
  try {
    url = new URL(address, base);
  } catch {
    return `“${address.replace(/\?.*$/s, '').slice(0, 100)}” is no address`;
  }
  if (!/^https?:$/.test(url.protocol)) return `${url.protocol}// is no address of the web`;
  if (url.username !== '' || url.password !== '') return `the address of ${url.host} holds a user or a password, which do not belong there`;
  url.hash = '';
  return url;
}

/** `url` without what could be secret in its query. */
export function shownAddress(url: string): string {
  const address = httpAddress(url);
  return typeof address === 'string' ? 'the address' : `${address.host}${address.pathname}`;
}

/** An answer that repeats what it was sent does not spread it. */
export function withoutSecret(text: string, secret: string | undefined): string {
  return secret === undefined || secret.length < 8 ? text : text.replaceAll(secret, '…');
}
