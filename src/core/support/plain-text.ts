/** Control characters but for line breaks and tabs, those that turn the direction of text, invisible ones, halves of letters. */
const unwelcome =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text from outside, to be shown as text. */
export function plain(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(unwelcome, '');
}
