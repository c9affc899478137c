import test from 'ava';
import { parseResource } from '../../../core/resources/parse.js';
import { describeProblem } from '../../../core/resources/problems.js';
import { notShown, redacted } from '../../../core/resources/redaction.js';
import { serialiseResource } from '../../../core/resources/written-form.js';
import { problems, written } from './written.js';

const hidden = 'hunter2';
const secret = (content: object) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'bgp' },
  ...content,
});

test('a secret keeps what it holds in base64, text of stringData among it', t => {
  const parsed = parseResource(
    secret({ type: 'Opaque', data: { a: 'eA==', tor: 'eQ==' }, stringData: { tor: 'pässword' } }),
  );
  if (parsed.kind !== 'ok') return void t.fail(JSON.stringify(parsed.problems));
  t.deepEqual(parsed.resource, {
    ...secret({ type: 'Opaque', data: { a: 'eA==', tor: Buffer.from('pässword').toString('base64') } }),
    metadata: { name: 'bgp', labels: {}, annotations: {} },
  } as never);
  t.deepEqual(parseResource(serialiseResource(parsed.resource)), parsed);
});

test('what is shown of a secret are its keys, and that is no secret to apply', t => {
  const parsed = parseResource(secret({ stringData: { tor: hidden } }));
  if (parsed.kind !== 'ok') return void t.fail();
  const shown = serialiseResource(redacted(parsed.resource));
  t.deepEqual(shown.data, { tor: notShown });
  t.deepEqual(
    problems(shown).map(({ path, value }) => [path, value]),
    [['data.tor', notShown]],
  );
});

test('each wrong value is named, and never shown', t => {
  const found = (content: object) =>
    problems(secret(content)).map(({ path, allowed }) => `${path}: ${allowed}`);
  t.regex(found({ data: { tor: 'not base64!' } }).join(), /^data\.tor: .*stringData/);
  t.regex(found({ data: { 'a key': 'eA==' } }).join(), /^data: a key of letters/);
  t.regex(found({ stringData: { tor: 5 } }).join(), /^stringData\.tor: a text/);
  t.regex(found({ stringdata: { tor: hidden } }).join(), /^stringdata: .*did you mean stringData/);
  t.deepEqual(
    problems({ ...secret({}), apiVersion: 'projectcalico.org/v3' }).map(({ path }) => path),
    ['apiVersion'],
  );
});

test('no slip of the pen makes a problem say a password', t => {
  const tor = { peerIP: '192.0.2.1', asNumber: 65001 };
  const slips: unknown[] = [
    secret({ data: { tor: hidden } }),
    secret({ data: hidden }),
    secret({ stringdata: { tor: hidden } }),
    secret({ spec: { tor: hidden } }),
    secret({ password: hidden }),
    { ...secret({ stringData: { tor: hidden } }), kind: 'Secrets' },
    { ...secret({ stringData: { tor: hidden } }), kind: 'secret' },
    { ...secret({ stringData: { tor: hidden } }), kind: 'BGPPeer' },
    { ...written('BGPPeer', tor), data: { tor: hidden } },
    written('BGPPeer', { ...tor, password: hidden }),
    written('BGPPeer', { ...tor, password: { secretKeyRef: hidden } }),
    written('BGPPeer', { ...tor, Password: hidden }),
    written('BGPPeer', { ...tor, sessionPassword: { key: hidden } }),
    written('BGPPeer', { ...tor, filters: { password: hidden } }),
    written('BGPConfiguration', { nodeMeshPassword: hidden }),
    written('BGPConfiguration', { communities: { password: hidden } }),
    { ...written('BGPPeer', tor), metadata: { name: 'a', annotations: { 'margay.io/password': hidden } } },
  ];
  for (const slip of slips) {
    const said = problems(slip).map(describeProblem).join('\n');
    t.not(said, '', JSON.stringify(slip));
    t.notRegex(said, /hunter2/);
  }
});
