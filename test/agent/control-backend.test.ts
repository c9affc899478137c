import test, { type ExecutionContext } from 'ava';
import { ControlFailure } from '../../agent/control/backend.js';
import type { ApplyResponse } from '../../agent/control/types.js';
import { AgentBackend } from '../../agent/control-backend.js';
import type { SpeakerQuery } from '../../bgp/speaker/contract.js';
import type { Resource } from '../../core/resources/resource.js';
import { serialiseResource } from '../../core/resources/written-form.js';
import { MemoryStore } from '../../store/memory-store.js';
import { bfdSession, peerStatus, routeView } from './control/fake-backend.js';
import { asn, bgpConfiguration, bgpPeer, bgpPeerRange, cidr, node, pool, secret } from './documents.js';
import { runAgent } from './running-agent.js';

const peers = [
  peerStatus({ key: 'Mesh_10_0_0_10', address: '10.0.0.10', name: 'c' }),
  peerStatus({ key: 'Mesh_10_0_0_9', address: '10.0.0.9', name: 'b' }),
  peerStatus({ key: 'Global_fd00__1', address: 'fd00::1', name: '' }),
];

async function newBackend(t: ExecutionContext, store = new MemoryStore([node('a', '10.0.0.1/24')])) {
  const running = await runAgent(t, [], { store });
  const asked: SpeakerQuery[] = [];
  let ended = 0;
  running.answer = query => {
    asked.push(query);
    return query.kind === 'peers'
      ? { kind: 'peers', peers }
      : { kind: 'routes', routes: [routeView('10.1.0.0/24'), routeView('10.2.0.0/24')], more: true };
  };
  const backend = new AgentBackend(running.agent, () => ended++);
  return { ...running, running, backend, asked, ended: () => ended };
}

const document = (location: string, value: unknown) => ({ documents: [{ location, document: value }] });
const outcomes = ({ results }: ApplyResponse) => results.map(({ id, outcome }) => `${id} ${outcome}`);

test('who answers', async t => {
  const { backend } = await newBackend(t);
  t.deepEqual(backend.hello(), { pid: process.pid, version: '1.2.3', nodeName: 'a' });
  t.is(backend.status().store.state, 'in-sync');
});

test('peers in the order of their addresses, those known last where the speaker does not answer', async t => {
  const { backend, running, handler } = await newBackend(t);
  const addresses = async () => (await backend.peers()).map(({ address }) => address as string);
  t.deepEqual(await addresses(), ['10.0.0.9', '10.0.0.10', 'fd00::1']);
  running.answer = () => ({ kind: 'error', message: 'the speaker is being restarted' });
  handler.event({ kind: 'peer-status', peer: peers[0]! });
  t.deepEqual(await addresses(), ['10.0.0.10']);
});

test("a page of routes asks for the peer by key, address or name, and for the prefix's own family", async t => {
  const { backend, asked } = await newBackend(t);
  for (const peer of ['Mesh_10_0_0_9', '10.0.0.9', 'b']) {
    const page = await backend.routes({ table: 'received', peer, limit: 2 });
    t.is(page.next, '10.2.0.0/24');
    const query = asked.at(-1);
    t.deepEqual(query?.kind === 'routes' && query.table, { kind: 'received', peer: 'Mesh_10_0_0_9' });
  }
  const families: string[] = [];
  for (const more of [{}, { family: 'ipv6' as const }, { prefix: 'fd00::/64' }, { prefix: '10.0.0.0/8' }]) {
    await backend.routes({ table: 'best', limit: 2, ...more });
    const query = asked.at(-1);
    families.push(query?.kind === 'routes' ? query.family : '');
  }
  t.deepEqual(families, ['ipv4-unicast', 'ipv6-unicast', 'ipv6-unicast', 'ipv4-unicast']);
});

test('a peer that is not there is refused with those that are; a speaker without an answer is a 503', async t => {
  const { backend, running } = await newBackend(t);
  const unknown = await t.throwsAsync(backend.routes({ table: 'advertised', peer: 'x', limit: 1 }), {
    instanceOf: ControlFailure,
  });
  t.is(unknown?.status, 404);
  t.like(unknown?.problem, { field: 'peer', value: 'x', allowed: 'b, c, fd00::1' });
  running.answer = () => ({ kind: 'error', message: 'the speaker is being restarted' });
  const away = await t.throwsAsync(backend.routes({ table: 'best', limit: 1 }), {
    instanceOf: ControlFailure,
  });
  t.is(away?.status, 503);
});

test('without a dataplane routes say nothing of the kernel', async t => {
  const { backend, running } = await newBackend(t);
  const { kernel: _, ...route } = routeView('10.1.0.0/24');
  running.answer = () => ({ kind: 'routes', routes: [route], more: false });
  const { routes, next } = await backend.routes({ table: 'best', limit: 2 });
  t.is(next, null);
  t.true(routes.every(route => route.kernel === undefined));
});

test('apply: created, unchanged, updated; a dry run writes nothing', async t => {
  const { backend, store } = await newBackend(t);
  const written = serialiseResource(pool('p', '10.1.0.0/16'));
  const changed = serialiseResource(pool('p', '10.1.0.0/16', true));
  const apply = async (value: unknown, dryRun = false) =>
    outcomes(await backend.apply({ ...document('x.yaml', value), dryRun }))[0];
  t.is(await apply(written, true), 'IPPool/p created');
  t.is((await store.get({ kind: 'IPPool', name: 'p' })).kind, 'error');
  t.is(await apply(written), 'IPPool/p created');
  t.is(await apply(written), 'IPPool/p unchanged');
  t.is(await apply(changed, true), 'IPPool/p updated');
  t.is(await apply(changed), 'IPPool/p updated');
  t.is(await apply(changed), 'IPPool/p unchanged');
});

test('apply: fields and labels in another order are the same document', async t => {
  const { backend } = await newBackend(t);
  const labelled = (labels: object) => ({
    apiVersion: 'projectcalico.org/v3',
    kind: 'Node',
    metadata: { name: 'n', labels },
  });
  t.deepEqual(outcomes(await backend.apply(document('x', labelled({ rack: '1', zone: 'a' })))), [
    'Node/n created',
  ]);
  t.deepEqual(outcomes(await backend.apply(document('x', labelled({ zone: 'a', rack: '1' })))), [
    'Node/n unchanged',
  ]);
});

test('apply: a document that is wrong is said with field, value and what is allowed; the others are applied', async t => {
  const { backend, store } = await newBackend(t);
  const wrong = { ...serialiseResource(bgpPeer('tor', {})), spec: { peerIP: '10.0.0.300', asNumber: 1 } };
  const response = await backend.apply({
    documents: [
      { location: 'a.yaml#1', document: wrong },
      { location: 'a.yaml#2', document: null },
      { location: 'a.yaml#3', document: serialiseResource(node('n')) },
    ],
  });
  const { results } = response;
  t.deepEqual(outcomes(response), ['BGPPeer/tor invalid', ' invalid', 'Node/n created']);
  t.is(results[0]?.location, 'a.yaml#1');
  t.like(results[0]?.problems[0], { field: 'spec.peerIP', value: '"10.0.0.300"' });
  t.truthy(results[0]?.problems[0]?.allowed);
  t.is((await store.get({ kind: 'Node', name: 'n' })).kind, 'ok');
});

test('a dry run says what becomes of the sessions, and changes nothing', async t => {
  const documents = [
    node('a', '10.0.0.1/24'),
    node('b', '10.0.0.2/24'),
    bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: asn(65000) }),
    bgpPeer('sealed', {
      peerIP: '10.0.0.253',
      asNumber: asn(65000),
      password: { secretKeyRef: { name: 's', key: 'k' } },
    }),
  ];
  const { backend, store, commands } = await newBackend(t, new MemoryStore(documents));
  const told = commands.length;
  const dry = async (...resources: Resource[]) => {
    const response = await backend.apply({
      documents: resources.map(one => ({ location: 'x', document: serialiseResource(one) })),
      dryRun: true,
    });
    return (response.sessions ?? []).map(({ effect, peer, fields, why }) =>
      [effect, peer, fields.join('+'), why].filter(word => word !== '').join(' | '),
    );
  };
  t.deepEqual(await dry(), []);
  t.deepEqual(
    await dry(bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: asn(65000), numAllowedLocalASNumbers: 1 })),
    ['changes-live | Global_10_0_0_254 | numAllowedLocalASNumbers'],
  );
  t.deepEqual(
    await dry(bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: asn(65001), maxRestartTime: '1m' })),
    [
      "resets | Global_10_0_0_254 | asNumber+maxRestartTime | the peer's AS number is checked in OPEN; OPEN carries the restart time",
    ],
  );
  t.deepEqual(await dry(node('c', '10.0.0.3/24')), ['starts | Mesh_10_0_0_3 | there was no such peer']);
  t.deepEqual(await dry(bgpConfiguration('default', { nodeToNodeMeshEnabled: false })), [
    'ends | Mesh_10_0_0_2 | there is no such peer any more',
  ]);
  t.deepEqual(await dry(bgpPeer('over', { peerIP: '10.0.0.2', asNumber: asn(64512) })), [
    'resets | Global_10_0_0_2 | key+name+type | another document speaks for it: Mesh_10_0_0_2 becomes Global_10_0_0_2',
  ]);
  const sealed = await dry(secret('s', { k: 'hunter2' }));
  t.deepEqual(sealed, ['starts | Global_10_0_0_253 | what kept it down is gone']);
  t.deepEqual(
    await dry(bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: asn(65000) }, { passwordEnv: 'X' })),
    ['ends | Global_10_0_0_254 | this agent reads no passwords of its host'],
  );
  const anew = await dry(bgpConfiguration('default', { asNumber: asn(64600) }));
  t.true(
    anew.length === 2 && anew.every(line => /^resets .*the AS number of this host becomes 64600$/.test(line)),
    anew.join('\n'),
  );
  t.deepEqual(await dry(bgpPeerRange('r', { cidr: cidr('10.9.0.0/16') })), ['starts | r']);
  t.is(commands.length, told);
  t.is((await store.get({ kind: 'Secret', name: 's' })).kind, 'error');
});

test('a dry run of a range: what its template asks, and who leaves it', async t => {
  const range = { cidr: cidr('10.9.0.0/16') };
  const documents = [node('a', '10.0.0.1/24'), bgpPeerRange('r', range)];
  const { backend } = await newBackend(t, new MemoryStore(documents));
  const dry = async (spec: Parameters<typeof bgpPeerRange>[1]) => {
    const given = { location: 'x', document: serialiseResource(bgpPeerRange('r', spec)) };
    const { sessions } = await backend.apply({ documents: [given], dryRun: true });
    return sessions?.map(({ effect, fields, why }) => [effect, fields.join('+'), why].join(' | '));
  };
  t.deepEqual(await dry(range), []);
  t.deepEqual(await dry({ ...range, limit: 5 }), ['changes-live | limit | ']);
  t.deepEqual(await dry({ ...range, maxPrefixes: 5 }), ['changes-live | maxPrefixes | ']);
  t.deepEqual(await dry({ cidr: cidr('10.9.0.0/17') }), [
    'changes-live | cidr | sessions with peers that are no longer part of it end',
  ]);
  t.deepEqual(await dry({ cidr: cidr('10.9.0.0/17'), holdTime: '30s' }), [
    'resets | cidr+holdTime | the hold time is agreed upon in OPEN; sessions with peers that are no longer part of it end',
  ]);
});

test('a Secret is shown with its keys alone', async t => {
  const { backend } = await newBackend(
    t,
    new MemoryStore([node('a', '10.0.0.1/24'), secret('s', { k: 'hunter2' })]),
  );
  const views = [
    await backend.getResource({ kind: 'Secret', name: 's' }),
    await backend.listResources('Secret'),
  ];
  t.regex(JSON.stringify(views), /"data":\{"k":"\(not shown\)"\}/);
  t.notRegex(JSON.stringify(views), /aHVudGVyMg|hunter2/);
});

test('apply: somebody else writes at the same time, and the last one wins', async t => {
  const store = new MemoryStore([node('a', '10.0.0.1/24'), pool('p', '10.1.0.0/16')]);
  const { backend } = await newBackend(t, store);
  const { update } = store;
  let races = 3;
  store.update = async (resource, expected) => {
    if (races-- > 0) {
      const found = await store.get({ kind: 'IPPool', name: 'p' });
      const other = pool('p', `10.${races}.0.0/16`);
      if (found.kind === 'ok') await update.call(store, other, found.value.revision);
    }
    return update.call(store, resource, expected);
  };
  const mine = serialiseResource(pool('p', '10.99.0.0/16'));
  t.deepEqual(outcomes(await backend.apply(document('x', mine))), ['IPPool/p updated']);
  t.is((await backend.getResource({ kind: 'IPPool', name: 'p' })).resource.kind, 'IPPool');
  races = 100;
  const lost = await backend.apply(document('x', serialiseResource(pool('p', '10.200.0.0/16'))));
  t.deepEqual(outcomes(lost), ['IPPool/p failed']);
});

test('while the store is away people see what is in force, and are told so', async t => {
  const store = new MemoryStore([node('a', '10.0.0.1/24'), pool('p', '10.1.0.0/16')]);
  const { backend, running } = await newBackend(t, store);
  t.is((await backend.listResources('IPPool')).storeAway, undefined);
  const error = { kind: 'unavailable', operation: 'read', detail: 'connection refused' } as const;
  store.list = async () => ({ kind: 'error', error });
  store.get = async () => ({ kind: 'error', error });
  for (const known of [false, true]) {
    if (known) Object.assign(running.agent.state, { store: 'unavailable', storeDetail: error.detail });
    const listed = await backend.listResources('IPPool');
    t.deepEqual(
      listed.resources.map(({ resource, revision }) => [resource.metadata.name, revision]),
      [['p', '']],
    );
    t.regex(listed.storeAway?.detail ?? '', /connection refused/);
    const one = await backend.getResource({ kind: 'IPPool', name: 'p' });
    t.is(one.resource.kind, 'IPPool');
    t.regex(one.storeAway?.detail ?? '', /connection refused/);
    for (const id of [{ kind: 'IPPool', name: 'q' } as const, { kind: 'Lease', name: 'node.a' } as const]) {
      const refused = await t.throwsAsync(backend.getResource(id), { instanceOf: ControlFailure });
      t.is(refused?.status, 503);
      t.regex(refused?.message ?? '', /connection refused/);
    }
  }
});

test('apply: a document that somebody has ruined is written again, although it is known as it should be', async t => {
  const store = new MemoryStore([node('a', '10.0.0.1/24'), pool('p', '10.1.0.0/16')]);
  const { backend } = await newBackend(t, store);
  const same = serialiseResource(pool('p', '10.1.0.0/16'));
  t.deepEqual(outcomes(await backend.apply(document('x', same))), ['IPPool/p unchanged']);
  const { get } = store;
  store.get = async id => {
    const found = await get.call(store, id);
    return found.kind === 'ok' ? { kind: 'ok', value: { ...found.value, lastGood: true } } : found;
  };
  t.deepEqual(outcomes(await backend.apply(document('x', same))), ['IPPool/p updated']);
});

test('a store that is away, a document that is not there', async t => {
  const store = new MemoryStore([node('a', '10.0.0.1/24')]);
  const { backend } = await newBackend(t, store);
  const status = async (action: Promise<unknown>) =>
    (await t.throwsAsync(action, { instanceOf: ControlFailure }))?.status;
  t.is(await status(backend.getResource({ kind: 'Node', name: 'x' })), 404);
  t.is(await status(backend.deleteResource({ kind: 'Node', name: 'x' })), 404);
  const error = { kind: 'unavailable', operation: 'write', detail: 'disk full' } as const;
  store.create = async () => ({ kind: 'error', error });
  store.delete = async () => ({ kind: 'error', error });
  t.is(await status(backend.deleteResource({ kind: 'Node', name: 'a' })), 503);
  const {
    results: [result],
  } = await backend.apply(document('x', serialiseResource(node('n'))));
  t.is(result?.outcome, 'failed');
  t.deepEqual(result?.problems, [{ error: 'write: disk full' }]);
});

test('a peer is switched by its key; shutdown is passed on', async t => {
  const { backend, store, commands, ended } = await newBackend(t);
  await store.create(node('b', '10.0.0.2/24'));
  await new Promise(resolve => setTimeout(resolve, 50));
  t.false(backend.setPeerEnabled(peerStatus({ key: 'Mesh_10_0_0_3', address: '10.0.0.3' }), false));
  t.true(backend.setPeerEnabled(peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2' }), false));
  const states = () =>
    commands.flatMap(command => (command.kind === 'set-peer' ? [command.peer.administrativeState] : []));
  t.is(states().at(-1), 'down');
  t.true(backend.setPeerEnabled(peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2' }), true));
  t.is(states().at(-1), 'up');
  backend.shutdown();
  t.is(ended(), 1);
});

test('a peer is shut down with a message until it is enabled, whatever its document does meanwhile', async t => {
  const { backend, store, commands } = await newBackend(t);
  await store.create(node('b', '10.0.0.2/24'));
  await new Promise(resolve => setTimeout(resolve, 50));
  t.false(backend.shutdownPeer(peerStatus({ key: 'Mesh_10_0_0_3', address: '10.0.0.3' }), 'no'));
  t.true(backend.shutdownPeer(peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2' }), 'moving racks'));
  const last = () => commands.findLast(command => command.kind === 'set-peer')?.peer;
  t.like(last(), { administrativeState: 'down', administrativeMessage: 'moving racks' });
  t.true(backend.shutdownPeer(peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2' }), 'until noon'));
  t.like(last(), { administrativeState: 'down', administrativeMessage: 'until noon' });
  t.true(backend.setPeerEnabled(peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2' }), true));
  t.like(last(), { administrativeState: 'up', administrativeMessage: '' });
});

test('a peer is cleared; a refresh needs a session that has it', async t => {
  const { backend, commands } = await newBackend(t);
  const peer = peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2' });
  t.regex(backend.clearPeer(peer, 'hard', 'new cable'), /begins anew/);
  t.like(commands.at(-1), { kind: 'clear-peer', key: 'Mesh_10_0_0_2', how: 'hard', message: 'new cable' });
  const { length } = commands;
  t.throws(() => backend.clearPeer({ ...peer, state: 'Idle' }, 'soft-out', ''), {
    instanceOf: ControlFailure,
  });
  t.is(commands.length, length);
});

test('a peer that is kept down is not cleared: it would not begin anew', async t => {
  const { backend, store, commands } = await newBackend(t);
  await store.create(node('b', '10.0.0.2/24'));
  await new Promise(resolve => setTimeout(resolve, 50));
  const peer = peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2' });
  t.true(backend.shutdownPeer(peer, 'moving racks'));
  const { length } = commands;
  const refused = t.throws(() => backend.clearPeer(peer, 'hard', ''), { instanceOf: ControlFailure });
  t.is(refused?.status, 409);
  t.is(commands.length, length);
  t.true(backend.setPeerEnabled(peer, true));
  t.regex(backend.clearPeer(peer, 'hard', ''), /begins anew/);
});

test('a peer of a range has no switch of its own, and that is what is said', async t => {
  const { backend } = await newBackend(t);
  const peer = peerStatus({ key: 'Dynamic_10_9_0_1', address: '10.9.0.1', dynamicFrom: 'rack' });
  for (const act of [
    () => backend.shutdownPeer(peer, ''),
    () => backend.setPeerEnabled(peer, false),
    () => backend.setPeerEnabled(peer, true),
  ]) {
    const refused = t.throws(act, { instanceOf: ControlFailure });
    t.is(refused?.status, 409);
    t.regex(refused?.message ?? '', /range rack/);
  }
  t.regex(backend.clearPeer(peer, 'hard', ''), /begins anew/);
});

test('peers are shown with their BFD sessions as they are now', async t => {
  const { backend, running } = await newBackend(t);
  const session = bfdSession({ address: '10.0.0.9' as never, flaps: 7 });
  const discarded = { strangers: 0, wrongTtl: 0, malformed: 0, unseen: 0 };
  Object.assign(running.agent.speaker, {
    bfd: { view: async () => ({ sessions: [session], discarded }), close() {} },
  });
  const [with9, with10] = await backend.peers();
  t.is(with9?.bfdSession?.flaps, 7);
  t.is(with10?.bfdSession, undefined);
});
