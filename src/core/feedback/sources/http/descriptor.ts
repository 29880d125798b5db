import type { SchemaBlocks } from '../../../model/definition-kind';
import type { TokenServer } from '../../../model/tokens';
import { feedbackKinds, type FeedbackKind } from '../../item';
import { describeSource } from '../../source';

/** Paths into the answer are written with dots. */
export interface HttpSourceDefinition {
  readonly url: string;
  readonly items?: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly itemKind: FeedbackKind;
  readonly next?: string;
  readonly cursor?: string;
  readonly page?: string;
  readonly header?: string;
}

const tokens: TokenServer = { kind: 'http', permissions: 'The token must be able to read the address in delivery.yaml.' };

export const httpSource = describeSource({
  kind: 'http',
  label: 'A server',
  tokens,
  schema: (blocks) => {
    const { z, describe, text, address } = blocks;
    const settings = z.strictObject({
      url: address.check(describe('The address.')),
      items: z
        .optional(text)
        .check(describe('The path to the items in the response, with dots. Default: the response itself, or its items, data or results.')),
      fields: z.optional(fieldsSchema(blocks)),
      kind: z.optional(z.enum(feedbackKinds)).check(describe('The kind of items without a kind of their own. Default: comment.')),
      next: z
        .optional(text)
        .check(describe('The path to the address of the next page in the response, or to the cursor. Default: the `Link` header.')),
      cursor: z.optional(text).check(describe('The query parameter that takes the cursor.')),
      page: z.optional(text).check(describe('The query parameter that counts the pages, from 1 until one is empty.')),
      header: z
        .optional(z.string().check(z.regex(/^[A-Za-z0-9-]+$/, 'the name of a header holds letters, digits and `-`')))
        .check(describe('The header that carries the token. Default: Authorization, as a bearer token.')),
    });
    return z.union([address, settings]).check(describe('Any JSON over HTTP.'));
  },
  parse: (checked): HttpSourceDefinition => {
    const { kind = 'comment', fields = {}, ...settings } = typeof checked === 'string' ? { url: checked } : checked;
    return { ...settings, itemKind: kind, fields };
  },
  open: async (settings, { http, tokens }) => {
    const { openHttpSource } = await import('./http-source');
    return openHttpSource(settings, await http(), tokens);
  },
});

function fieldsSchema({ z, describe, text }: SchemaBlocks) {
  const field = (content: string) => z.optional(text).check(describe(`The field with ${content}.`));
  return z
    .strictObject({
      id: field('the unique id'),
      title: field('the title'),
      body: field('the text'),
      kind: field('the kind: error, comment, rating or ticket'),
      createdAt: field('the time of the first report'),
      lastSeenAt: field('the time of the last report'),
      author: field('the author'),
      url: field('the address of its page'),
      rating: field('the rating'),
      count: field('the number of reports'),
      people: field('the number of people'),
      release: field('the release that was running: a commit, a tag or a version'),
      environment: field('the environment'),
      component: field('the component'),
    })
    .check(describe('The fields of an item, as paths with dots, like user.name. A field with the same name can be left out.'));
}
