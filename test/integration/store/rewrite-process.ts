/**
 * Replaces the documents of a directory again and again, as an editor does, and ends with each at its last number:
 * `rewrite-process.js DIRECTORY DOCUMENTS WRITES`.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serialiseResource } from '../../../core/resources/written-form.js';
import { pool } from '../../agent/documents.js';

const [directory = '', documents = '1', writes = '0'] = process.argv.slice(2);

for (let n = 0; n < Number(writes); n++) {
  const name = `p${n % Number(documents)}`;
  const resource = pool(name, '10.0.0.0/16');
  const metadata = { ...resource.metadata, annotations: { n: String(n) } };
  const temporary = join(directory, `.${name}.new`);
  writeFileSync(temporary, JSON.stringify(serialiseResource({ ...resource, metadata })));
  renameSync(temporary, join(directory, `${name}.yaml`));
}
