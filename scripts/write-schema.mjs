/** Writes schema/study.json from the grammar in lib/study/schema.ts; run it after a build, whenever the grammar changes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { studySchemaText } = createRequire(import.meta.url)(join(root, 'dist', 'study', 'schema.js'));
mkdirSync(join(root, 'schema'), { recursive: true });
writeFileSync(join(root, 'schema', 'study.json'), studySchemaText());
