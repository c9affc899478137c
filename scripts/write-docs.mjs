/** `npm run docs`: writes the pages that are made from the code. A test fails when they are not what the code says. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, root } from './bootstrap.mjs';
import { withStatus } from './rfc-compliance.mjs';

prepare();
const { configurationDocument } = await import(join(root, 'dist/agent/config/document.js'));
writeFileSync(join(root, 'docs/configuration.md'), configurationDocument());
const compliance = join(root, 'docs/rfc-compliance.md');
writeFileSync(compliance, withStatus(readFileSync(compliance, 'utf8'), root));
