/** A page under `media/docs`, by its file name without `.md`. */
export interface DocumentationPage {
  readonly name: string;
  readonly title: string;
  readonly contents: string;
}

/** The pages in the order in which the editor offers them. */
export const documentationPages: readonly DocumentationPage[] = [
  { name: 'editor', title: 'Editor', contents: 'Views, commands, keyboard shortcuts and settings' },
  { name: 'delivery-yaml', title: 'delivery.yaml', contents: 'Steps, caching, secrets, reports and problem matchers' },
  { name: 'environments', title: 'Environments', contents: 'Deploy, verify, roll back, release' },
  { name: 'feedback', title: 'Feedback', contents: 'Sources, tokens, actions' },
  { name: 'ci', title: 'CI services', contents: 'Export, runs on CI, tokens' },
  { name: 'metrics', title: 'Delivery metrics', contents: 'The five DORA metrics of a service' },
  { name: 'command-line', title: 'Command line', contents: 'Commands, exit codes, JSON output' },
  { name: 'architecture', title: 'Architecture', contents: 'How a delivery works, files on disk, security, scale' },
];

/** Returns the page with this name, or the pages whose name or title contains the text, or all pages if none does. */
export function matchingPages(text = ''): readonly DocumentationPage[] {
  const wanted = text.toLowerCase();
  const named = documentationPages.filter(({ name }) => name === wanted);
  if (named.length > 0) return named;
  const found = documentationPages.filter(({ name, title }) => `${name} ${title}`.toLowerCase().includes(wanted));
  return found.length > 0 ? found : documentationPages;
}
