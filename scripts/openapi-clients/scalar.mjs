import { validate } from '@scalar/openapi-parser';
import { readFileSync } from 'node:fs';

const { valid, errors } = await validate(readFileSync('openapi.json', 'utf8'));
for (const error of errors ?? []) console.log(error.message);
process.exit(valid ? 0 : 1);
