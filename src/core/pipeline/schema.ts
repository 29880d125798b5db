import * as z from 'zod/mini';
import { definition } from './definition';

/** The JSON schema of `delivery.yaml`, as the text of the file that editors are given. */
export function schemaText(): string {
  const schema = z.toJSONSchema(definition, { target: 'draft-7', io: 'input' });
  return `${JSON.stringify(schema, null, 2)}\n`;
}
