import type { TokenServer } from '../../../model/tokens';
import { describeSource } from '../../source';

export interface SentrySourceDefinition {
  readonly organization: string;
  readonly project: string;
  readonly environment?: string;
  readonly query?: string;
  /** Absent: sentry.io. */
  readonly url?: string;
}

const tokens: TokenServer = {
  kind: 'sentry',
  permissions: 'Required scopes: event:read and project:read, and event:write to resolve.',
  variables: { 'https://sentry.io': 'SENTRY_AUTH_TOKEN' },
};

export const sentrySource = describeSource({
  kind: 'sentry',
  label: 'Sentry',
  tokens,
  schema: ({ z, describe, text, server }) =>
    z
      .strictObject({
        organization: text.check(describe('The slug of the organization.')),
        project: text.check(describe('The slug of the project.')),
        environment: z.optional(text).check(describe('Only errors of this environment.')),
        query: z.optional(z.string()).check(describe('Which issues, as in the search of Sentry. Default: is:unresolved.')),
        url: server,
      })
      .check(describe('Errors from Sentry, GlitchTip or your own server.')),
  parse: (settings): SentrySourceDefinition => settings,
  open: async (settings, { http, tokens }) => {
    const { openSentrySource } = await import('./sentry-source');
    return openSentrySource(settings, await http(), tokens);
  },
});
