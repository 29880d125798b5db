import * as path from 'node:path';
import { describeSource } from '../../source';

export const fileSource = describeSource({
  kind: 'file',
  label: 'A file',
  schema: ({ path, describe }) => path.check(describe('A file with one JSON object a line.')),
  parse: (file) => file,
  open: async (file, { root, folder }) => {
    const { FileSource } = await import('./file-source');
    return new FileSource({ name: `file ${file}`, file: path.join(folder, file), within: root, mayBeAbsent: false });
  },
});
