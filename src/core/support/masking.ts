const replacement = Buffer.from('***');

/** A shorter secret would mask ordinary text. */
const minSecretLength = 4;

/**
 * Hides secrets in a stream of bytes, even if they are split over chunks, base64-encoded at any offset or
 * percent-encoded. Holds back only bytes that may be the beginning of a secret.
 */
export class Mask {
  private readonly forms: readonly Buffer[];
  private held: Buffer = Buffer.alloc(0);

  constructor(secrets: readonly string[]) {
    const forms = new Set(secrets.flatMap(formsOf).filter((form) => form.length >= minSecretLength));
    this.forms = [...forms].map((form) => Buffer.from(form)).sort((a, b) => b.length - a.length);
  }

  /** Whether there are no secrets. */
  get empty(): boolean {
    return this.forms.length === 0;
  }

  /** Returns the bytes that can be shown now. */
  push(chunk: Buffer): Buffer {
    if (this.empty) return chunk;
    const bytes = this.held.length > 0 ? Buffer.concat([this.held, chunk]) : chunk;
    const { masked, rest } = this.mask(bytes);
    const keep = this.beginningAtEnd(rest);
    this.held = Buffer.from(rest.subarray(rest.length - keep));
    return Buffer.concat([...masked, rest.subarray(0, rest.length - keep)]);
  }

  /** Returns the bytes that were held back, at the end of the stream. */
  flush(): Buffer {
    const held = this.held;
    this.held = Buffer.alloc(0);
    return held;
  }

  text(text: string): string {
    const { masked, rest } = this.mask(Buffer.from(text));
    return Buffer.concat([...masked, rest]).toString();
  }

  /** Returns the masked bytes up to the end of the last secret, and the rest. */
  private mask(bytes: Buffer): { masked: Buffer[]; rest: Buffer } {
    const next = this.forms.map((form) => bytes.indexOf(form));
    const masked: Buffer[] = [];
    let from = 0;
    for (;;) {
      let best = -1;
      for (let i = 0; i < next.length; i++) {
        const form = this.forms[i]!;
        if (next[i]! >= 0 && next[i]! < from) next[i] = bytes.indexOf(form, from);
        if (next[i]! >= 0 && (best < 0 || next[i]! < next[best]!)) best = i;
      }
      if (best < 0) return { masked, rest: bytes.subarray(from) };
      masked.push(bytes.subarray(from, next[best]), replacement);
      from = next[best]! + this.forms[best]!.length;
    }
  }

  /** Returns how many of the last bytes may be the beginning of a secret. */
  private beginningAtEnd(bytes: Buffer): number {
    const longest = Math.min(bytes.length, (this.forms[0]?.length ?? 1) - 1);
    for (let length = longest; length > 0; length--) {
      const tail = bytes.subarray(bytes.length - length);
      if (this.forms.some((form) => form.length > length && form[0] === tail[0] && form.subarray(0, length).equals(tail))) return length;
    }
    return 0;
  }
}

/** Returns a secret in every form that a log may contain: plain, by line, in a URL, in JSON, in base64. */
function formsOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  return [secret.trim(), ...lines].flatMap((text) => {
    if (text.length < minSecretLength) return [];
    const encoded = encodeURIComponent(text);
    const form = encoded.replace(/%20/g, '+').replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    const lower = encoded.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
    return [text, JSON.stringify(text).slice(1, -1), encoded, form, lower, ...base64Of(text)];
  });
}

/**
 * Returns the three base64 forms of a text, one for each offset in the encoded bytes, without the characters at both
 * ends that depend on other bytes.
 */
function base64Of(text: string): string[] {
  const bytes = Buffer.from(text);
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
