/** `npm run docs`: writes the pages that are made from the code. A test fails when they are not what the code says. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, root } from './bootstrap.mjs';

prepare();
const { configurationDocument } = await import(join(root, 'dist/agent/config/document.js'));
writeFileSync(join(root, 'docs/configuration.md'), configurationDocument());
