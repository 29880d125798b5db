import * as z from 'zod/mini';
import { definition } from './definition';

/** Returns the JSON schema of `delivery.yaml`, as the text of the file that editors read. */
export function schemaText(): string {
  const schema = z.toJSONSchema(definition, { target: 'draft-7', io: 'input' });
  return `${JSON.stringify(schema, null, 2)}\n`;
}
