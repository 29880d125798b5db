import { Document, isScalar, visit } from 'yaml';

const width = 110;

/** Returns readable YAML: short lists on one line, multi-line commands as blocks. */
export function yamlText(value: unknown, options: { readonly old?: boolean } = {}): string {
  // Parsers of YAML 1.1 read a bare `no` as false.
  const document = new Document(value, { aliasDuplicateObjects: false, ...(options.old && { compat: 'yaml-1.1' }) });
  visit(document, {
    Seq(_, node) {
      const words = node.items.map((item) => (isScalar(item) && typeof item.value === 'string' ? item.value : undefined));
      if (words.every((one) => one !== undefined && !/\s/.test(one)) && words.join(', ').length < width) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** Indents every line that is not empty. */
export function indented(text: string, by: string): string {
  return text.replace(/^(?=.)/gm, by);
}
