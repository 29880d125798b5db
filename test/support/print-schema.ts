import { schemaText } from '../../src/core/pipeline/schema';

process.stdout.write(schemaText());
