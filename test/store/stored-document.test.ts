import test from 'ava';
import { jsonText, readDocument } from '../../store/stored-document.js';
import { pool } from '../agent/documents.js';

const written = pool('pods', '10.244.0.0/16');
const read = (id: string, document: string) => readDocument(id, { revision: '7', document });

test('what is written is read as it was', t => {
  t.deepEqual(read('IPPool/pods', jsonText(written)), {
    kind: 'ok',
    stored: { resource: written, revision: '7' },
  });
});

for (const [what, id, document, path, value] of [
  ['text that is no JSON', 'IPPool/pods', jsonText(written).slice(1), '', 'the text'],
  [
    'a document that stands under the name of another',
    'IPPool/others',
    jsonText(written),
    'metadata.name',
    'IPPool/pods',
  ],
  [
    'a document that stands under another kind',
    'Node/pods',
    jsonText(written),
    'metadata.name',
    'IPPool/pods',
  ],
] as const) {
  test(`${what} is invalid, and has no name of its own`, t => {
    const found = read(id, document);
    t.is(found.kind, 'invalid');
    if (found.kind !== 'invalid') return;
    t.is(found.invalid.location, id);
    t.is(found.invalid.id, undefined);
    t.like(found.invalid.problems[0], { path, value });
  });
}
