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
        .check(describe('Where in the answer the items are: a path with dots. Default: the answer itself, or what it calls items.')),
      fields: z.optional(fieldsSchema(blocks)),
      kind: z.optional(z.enum(feedbackKinds)).check(describe('What the items are, where no field says it. Default: comment.')),
      next: z
        .optional(text)
        .check(describe('Where in the answer the address of the next page is, or the cursor. Default: the `Link` header.')),
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
  const field = (what: string) => z.optional(text).check(describe(`The field that holds ${what}.`));
  return z
    .strictObject({
      id: field('what tells items apart'),
      title: field('the title'),
      body: field('the text'),
      kind: field('the kind: error, comment, rating or ticket'),
      createdAt: field('when it was first said'),
      lastSeenAt: field('when it was last said'),
      author: field('who said it'),
      url: field('the address of its page'),
      rating: field('the rating'),
      count: field('how often it was said'),
      people: field('how many people said it'),
      release: field('the release that was running: a commit, a tag or a version'),
      environment: field('the environment'),
      component: field('the component'),
    })
    .check(describe('Which field of an item is which: paths with dots, like user.name. Those that are called the same need no mention.'));
}
