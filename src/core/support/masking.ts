const replacement = Buffer.from('***');

/** A shorter secret would mask ordinary text. */
const minSecretLength = 4;
/** A shorter form must not be interrupted: parts of ordinary lines would join to it. */
const minInterruptedLength = 8;

const [lineFeed, carriageReturn, escape, bracket] = [0x0a, 0x0d, 0x1b, 0x5b];
const interruptingBytes = [lineFeed, carriageReturn, escape];

/** The search skips at most one byte less at once. */
const maxWindow = 8;

interface Found {
  /** The offset after the longest form that begins here; absent: none does. */
  readonly end?: number;
  /** A form may continue after the last byte. */
  readonly isOpen: boolean;
  /** The same, within a line or after many bytes: the bytes must wait for the rest. */
  readonly mustWait: boolean;
}

/**
 * Hides secrets in a stream of bytes, in each form that tools print: see {@link formsOf}. A form may be split over chunks, wrapped into
 * lines and interrupted by colours. Holds back only bytes that may be the beginning of a secret.
 */
export class Mask {
  private readonly forms: Forms;
  /** The last bytes, which may be the beginning of a secret, and how many of them were returned already. */
  private held: Buffer = Buffer.alloc(0);
  private returned = 0;

  constructor(secrets: readonly string[]) {
    this.forms = new Forms([...new Set(secrets.flatMap(formsOf))].map((form) => Buffer.from(form)));
  }

  /** Whether there are no secrets. */
  get empty(): boolean {
    return this.forms.count === 0;
  }

  /** Returns the bytes that can be shown now. */
  push(chunk: Buffer): Buffer {
    if (this.empty) return chunk;
    const bytes = this.held.length > 0 ? Buffer.concat([this.held, chunk]) : chunk;
    const { shown, keep, to } = this.mask(bytes, this.returned, false);
    this.held = Buffer.from(bytes.subarray(keep));
    this.returned = to - keep;
    return shown;
  }

  /** Returns the bytes that were held back, at the end of the stream. */
  flush(): Buffer {
    const { shown } = this.mask(this.held, this.returned, true);
    this.held = Buffer.alloc(0);
    this.returned = 0;
    return shown;
  }

  text(text: string): string {
    return this.empty ? text : this.mask(Buffer.from(text), 0, true).shown.toString();
  }

  /** Returns the masked bytes from `returned` to `to`, and the offset of the bytes to keep: they may be the beginning of a secret. */
  private mask(bytes: Buffer, returned: number, isLast: boolean): { shown: Buffer; keep: number; to: number } {
    const shown: Buffer[] = [];
    const candidates = this.forms.candidates(bytes);
    let from = returned;
    let open: number | undefined;
    let wait: number | undefined;
    for (let at = candidates.next(0); at < bytes.length; at = candidates.next(at + 1)) {
      const { end, isOpen, mustWait } = this.forms.find(bytes, at);
      if (isOpen && !isLast) {
        open ??= at;
        if (mustWait) {
          wait = at;
          break;
        }
      }
      if (end === undefined) continue;
      const covered = this.covered(bytes, at, end);
      if (covered > from) {
        if (at > from) shown.push(bytes.subarray(from, at));
        shown.push(replacement);
        from = covered;
      }
      at = covered - 1;
    }
    const to = Math.max(from, wait ?? bytes.length);
    shown.push(bytes.subarray(from, to));
    return { shown: shown.length === 1 ? shown[0]! : Buffer.concat(shown), keep: Math.min(open ?? bytes.length, to), to };
  }

  /** Returns the end of a secret together with the secrets that begin in it. */
  private covered(bytes: Buffer, at: number, end: number): number {
    let covered = end;
    for (let inner = at + 1; inner < covered && inner + 1 < bytes.length; inner++)
      covered = Math.max(covered, this.forms.find(bytes, inner).end ?? 0);
    return covered;
  }
}

/** The forms of all secrets, and a search for them that skips most bytes (Wu-Manber with blocks of two bytes). */
class Forms {
  readonly count: number;
  /** The forms by their first two bytes, or by the first byte and one that may interrupt them. */
  private readonly byPair = new Map<number, Buffer[]>();
  private readonly isFirst = new Uint8Array(1 << 8);
  private readonly isPair = new Uint8Array(1 << 16);
  /** The number of bytes that can be skipped, by the last two bytes of a window; 0: a form may fill the window. */
  private readonly skip = new Uint8Array(1 << 16);
  private readonly window: number;

  constructor(forms: readonly Buffer[]) {
    this.count = forms.length;
    this.window = Math.min(maxWindow, ...forms.map(({ length }) => length));
    this.skip.fill(this.window - 1);
    for (const form of forms) this.add(form);
  }

  private add(form: Buffer): void {
    const first = form[0]!;
    this.isFirst[first] = 1;
    const interruptions = form.length < minInterruptedLength ? [] : interruptingBytes;
    for (const next of new Set([form[1]!, ...interruptions])) {
      const pair = (first << 8) | next;
      this.isPair[pair] = 1;
      const forms = this.byPair.get(pair);
      if (forms) forms.push(form);
      else this.byPair.set(pair, [form]);
    }
    for (let at = 0; at < this.window - 1; at++) {
      const pair = (form[at]! << 8) | form[at + 1]!;
      this.skip[pair] = Math.min(this.skip[pair]!, this.window - 2 - at);
    }
  }

  /** Finds the offsets at which a form may begin. */
  candidates(bytes: Buffer): { next: (from: number) => number } {
    const { window, skip, isPair, isFirst } = this;
    const last = bytes.length - 1;
    const interruptions = new Interruptions(bytes);
    const next = (from: number): number => {
      let at = from;
      while (at <= last) {
        const interruption = interruptions.next(at);
        // A window without an interruption contains the bytes of a form in their places.
        for (const end = interruption - window; at <= end;) {
          const skipped = skip[(bytes[at + window - 2]! << 8) | bytes[at + window - 1]!]!;
          if (skipped > 0) at += skipped;
          else if (isPair[(bytes[at]! << 8) | bytes[at + 1]!] === 1) return at;
          else at++;
        }
        for (const end = Math.min(interruption, last); at <= end; at++)
          if (at === last ? isFirst[bytes[at]!] === 1 : isPair[(bytes[at]! << 8) | bytes[at + 1]!] === 1) return at;
      }
      return bytes.length;
    };
    return { next };
  }

  /** Matches the forms at an offset. */
  find(bytes: Buffer, at: number): Found {
    // The last byte may be the first one of any form.
    if (at === bytes.length - 1) return { isOpen: true, mustWait: true };
    let end: number | undefined;
    let isOpen = false;
    let mustWait = false;
    for (const form of this.byPair.get((bytes[at]! << 8) | bytes[at + 1]!) ?? []) {
      let next = at + 1;
      let matched = 1;
      let isInterrupted = false;
      while (matched < form.length && next < bytes.length) {
        if (bytes[next] === form[matched]) {
          next++;
          matched++;
          continue;
        }
        const after = form.length < minInterruptedLength ? next : afterInterruption(bytes, next);
        if (after === next) break;
        isInterrupted = true;
        next = after;
      }
      if (matched === form.length) end = Math.max(end ?? 0, next);
      else if (next >= bytes.length) {
        isOpen = true;
        mustWait ||= !isInterrupted || matched >= minInterruptedLength;
      }
    }
    return { end, isOpen, mustWait };
  }
}

/** The offsets of the bytes that may interrupt a form. */
class Interruptions {
  private readonly offsets = [-1, -1, -1];

  constructor(private readonly bytes: Buffer) {}

  /** Returns the first offset from `from`, or the length. */
  next(from: number): number {
    const { bytes, offsets } = this;
    let nearest = bytes.length;
    for (let kind = 0; kind < offsets.length; kind++) {
      if (offsets[kind]! < from) {
        const found = bytes.indexOf(interruptingBytes[kind]!, from);
        offsets[kind] = found < 0 ? bytes.length : found;
      }
      nearest = Math.min(nearest, offsets[kind]!);
    }
    return nearest;
  }
}

/** Returns the offset after the line breaks and colours at `at`. */
function afterInterruption(bytes: Buffer, at: number): number {
  let next = at;
  for (;;) {
    if (bytes[next] === lineFeed || bytes[next] === carriageReturn) next++;
    else if (bytes[next] === escape && (next + 1 === bytes.length || bytes[next + 1] === bracket)) {
      next += 2;
      while (next < bytes.length && isColourParameter(bytes[next]!)) next++;
      next = Math.min(next + 1, bytes.length);
    } else return next;
  }
}

/** A digit, a colon or a semicolon. */
function isColourParameter(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x3b;
}

/** Returns a secret in each form that a log may contain, the whole and line by line. */
function formsOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  const whole = lines.length > 1 && secret.trim().length >= minSecretLength ? [lines.join(''), ...binaryForms(secret.trim())] : [];
  return [...whole, ...lines.flatMap((line) => (line.length < minSecretLength ? [] : [...textForms(line), ...binaryForms(line)]))];
}

/** Returns a text as JSON, URLs, HTML, shells and Python write it. */
function textForms(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const percent = encodeURIComponent(text);
  const allPercent = percent.replace(/[!'()*]/g, (c) => `%${hexOf(c)}`);
  const form = new URLSearchParams([['', text]]).toString().slice(1);
  const urls = [
    ...[percent, allPercent, encodeURI(text), percent.replace(/%2F/g, '/')],
    ...[form, form.replace(/\+/g, '%20'), allPercent.replace(/%20/g, '+')],
    ...partsOfUrl(text),
  ];
  const html = text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const htmlQuotes = ['"', '&quot;', '&#34;'].flatMap((double) =>
    ["'", '&#39;', '&#x27;', '&#039;', '&apos;'].map((single) => html.replace(/"/g, double).replace(/'/g, single)),
  );
  const escaped = text.replace(/\\/g, '\\\\');
  return [
    text,
    json,
    // JSON in JSON, as structured logs quote a response.
    JSON.stringify(json).slice(1, -1),
    json.replace(/\//g, '\\/'),
    // Go escapes the characters of HTML, Python and Java all that is not ASCII.
    json.replace(/[<>&]/g, unicodeEscape),
    json.replace(/[<>&']/g, unicodeEscape),
    json.replace(/[^\x00-\x7f]/g, unicodeEscape),
    ...urls,
    ...urls.map((url) => url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())),
    ...htmlQuotes,
    ...[text, html].flatMap((each) => [
      each.replace(/[^\x00-\x7f]/gu, (character) => `&#${character.codePointAt(0)};`),
      each.replace(/[^\x00-\x7f]/gu, (character) => `&#x${codeOf(character)};`),
    ]),
    // SQL and YAML.
    text.replace(/'/g, `''`),
    // Within quotes, then as `printf %q` and libraries escape it.
    text.replace(/'/g, `'\\''`),
    text.replace(/'/g, `'"'"'`),
    text.replace(/[\\"$`]/g, '\\$&'),
    text.replace(/^[~#]|[!"$&'()*,;<>?[\\\]^`{|} ]/g, '\\$&'),
    text.replace(/[^\w@%+=:,./-]/g, '\\$&'),
    text.replace(/[^\w@+:,./-]/g, '\\$&'),
    escaped.replace(/'/g, "\\'"),
    escaped.replace(/"/g, '\\"'),
    escaped,
    pythonAscii(escaped),
    pythonAscii(escaped.replace(/'/g, "\\'")),
    ...[escaped, escaped.replace(/'/g, "\\'")].flatMap((each) => [
      bytewise(each, (byte) => `\\x${byte.toString(16)}`),
      bytewise(each, (byte) => `\\${byte.toString(8)}`),
    ]),
  ].map((form) => form.trim());
}

/** Returns the bytes of a text in base64 and in hexadecimal digits. */
function binaryForms(text: string): string[] {
  const hex = Buffer.from(text).toString('hex');
  const digits = [hex, ...[' ', ':'].map((separator) => (hex.match(/../g) ?? []).join(separator))];
  // PowerShell encodes UTF-16.
  return [
    ...digits,
    ...digits.map((form) => form.toUpperCase()),
    ...base64Of(Buffer.from(text)),
    ...base64Of(Buffer.from(text, 'utf16le')),
  ];
}

function hexOf(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase();
}

/** Returns a text as the user name and the path of a URL. */
function partsOfUrl(text: string): string[] {
  const url = new URL('https://host/');
  url.username = text;
  url.pathname = text;
  return [url.username, url.pathname.slice(1)];
}

function codeOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}

/** Returns a text as `ascii()` of Python writes it. */
function pythonAscii(text: string): string {
  return text.replace(/[^\x00-\x7f]/gu, (character) => {
    const code = codeOf(character);
    if (code.length <= 2) return `\\x${code}`;
    return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`;
  });
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function bytewise(text: string, escapeByte: (byte: number) => string): string {
  return text.replace(/[^\x00-\x7f]+/g, (part) => [...Buffer.from(part)].map(escapeByte).join(''));
}

/**
 * Returns the base64 forms of bytes, one for each offset in the encoded bytes and each alphabet, without the characters at both
 * ends that depend on other bytes.
 */
function base64Of(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor(((offset + bytes.length) * 8) / 6);
    const inner = encoded.slice(first, last);
    // A shorter form would mask ordinary text.
    if (inner.length < 6) return [];
    return [inner, inner.replace(/\+/g, '-').replace(/\//g, '_')];
  });
}
