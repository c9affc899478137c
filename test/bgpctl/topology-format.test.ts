import test from 'ava';
import { formatTopology, formatTopologyOf } from '../../bgpctl/format/topology.js';
import { topologyDot, topologyMermaid } from '../../bgpctl/format/topology-graph.js';
import { NOW, topologyExplainView, topologyView } from '../agent/control/fake-backend.js';

const options = { width: 120, colour: false, wide: false, now: NOW };

test('the plan with its reasons comes first, then reflectors, then the sessions of this host', t => {
  t.is(
    formatTopology(topologyView(), options),
    [
      '4 hosts peer through 3 reflectors, by generation 4 of the plan, 3m12s old.',
      '  - 120 hosts are more than a mesh is kept for, 100',
      '',
      'REFLECTOR  RACK  CLIENTS',
      'host2      r1          1',
      'host3      r2          1',
      'host4      -           0',
      '',
      'PEER OF host1  IS         STATE        SINCE  WHY',
      'host2          reflector  Established  1m01s  number 1 by the hash of both names, the first of rack=r1',
      '',
    ].join('\n'),
  );
});

test('what is on its way names every host that is waited for, and why', t => {
  const waitsFor = [{ node: 'host3', why: 'it works by generation 3 still' }];
  const before = { mode: 'mesh', reflectors: [] } as const;
  const shown = (transition: object) =>
    formatTopology(
      topologyView({ transition: { before, silent: ['host9'], waitsFor, ...transition } }),
      options,
    );
  t.regex(
    shown({}),
    /The mesh of before is kept until every living host is in sync\. Nobody waits for the silent: host9\./,
  );
  t.regex(shown({}), /^WAITS FOR {2}WHY\nhost3 {6}it works by generation 3 still$/m);
  t.regex(shown({ waitsFor: [] }), /all are, and it goes presently/);
  t.regex(shown({ waitsFor: null }), /cannot be read/);
  t.regex(
    shown({ before: { mode: 'reflectors', reflectors: ['host7', 'host8'] } }),
    /The reflectors host7, host8 of before are kept/,
  );
});

test('a change that waits because there were many lately is said, with how long it still waits', t => {
  const at = (nextChangeUnixMs: number) => {
    const { plan } = topologyView();
    return formatTopology(topologyView({ plan: { ...plan!, nextChangeUnixMs } }), options);
  };
  t.regex(
    at(NOW + 90_000),
    /^ {2}- another arrangement is wanted, and comes in 1m30s: the plan has changed lately$/m,
  );
  t.regex(at(NOW - 1), /comes presently: the plan/);
});

test('what does not fit goes on below its column, in a narrow terminal below its row', t => {
  const shown = (width: number) => formatTopology(topologyView(), { ...options, width }).split('\n');
  t.deepEqual(shown(80).slice(-4), [
    'PEER OF host1  IS         STATE        SINCE  WHY',
    'host2          reflector  Established  1m01s  number 1 by the hash of both',
    '                                              names, the first of rack=r1',
    '',
  ]);
  t.deepEqual(shown(60).slice(-4), [
    'PEER OF host1  IS         STATE        SINCE',
    'host2          reflector  Established  1m01s',
    '    number 1 by the hash of both names, the first of rack=r1',
    '',
  ]);
});

test('a mesh has no reflectors to show; without a plan, and switched off, it is said', t => {
  const mesh = formatTopology(
    topologyView({ mode: 'mesh', reflectors: [], clients: [], plan: null }),
    options,
  );
  t.regex(mesh, /^4 hosts peer in a mesh, without a plan of the controller/);
  t.notRegex(mesh, /REFLECTOR/);
  t.regex(
    formatTopology(topologyView({ mode: 'off' }), options),
    /^nodeToNodeMeshEnabled is false for host1/,
  );
});

test('a session that is down says why below it, one that goes says so', t => {
  const [session] = topologyView().sessions;
  const down = { ...session!, state: 'Active', info: 'connection refused', stays: false };
  const shown = formatTopology(topologyView({ sessions: [down] }), options);
  t.regex(shown, /reflector, ends {2}Active/);
  t.regex(shown, /^ {4}connection refused$/m);
});

test('-o wide has every client with its reflectors', t => {
  t.notRegex(formatTopology(topologyView(), options), /CLIENT {2}/);
  t.regex(
    formatTopology(topologyView(), { ...options, wide: true }),
    /^CLIENT {2}REFLECTORS\nhost1 {3}host2, host3$/m,
  );
});

test('an explanation lists reflectors in the order in which the host wants them', t => {
  t.is(
    formatTopologyOf(topologyExplainView(), options),
    [
      'host2 is a client of 2 of the 3 reflectors.',
      '',
      'REFLECTOR  RACK  SESSION  WHY',
      'host3      r2    yes      number 1 by the hash of both names',
      'host4      -     no       number 3 by the hash of both names',
      '',
    ].join('\n'),
  );
});

const many = (count: number) =>
  topologyView({
    clients: Array.from({ length: count }, (_, i) => ({
      node: `n${i}`,
      reflectors: i % 2 === 0 ? ['host2', 'host3'] : ['host3', 'host2'],
    })),
  });

test('a drawing has reflectors with their values, clients one by one, and as one where there are many', t => {
  const dot = topologyDot(topologyView());
  t.regex(dot, /^graph topology \{/);
  t.regex(dot, /r0 \[shape=box, label="host2\\nrack=r1"\];/);
  t.regex(dot, /r2 \[shape=box, label="host4\\nno rack"\];/);
  t.is(dot.match(/ -- /g)?.length, 3 + 2);
  t.is(topologyDot(many(24)).match(/ -- /g)?.length, 3 + 48);
  const collapsed = topologyDot(many(300));
  t.is(collapsed.match(/ -- /g)?.length, 3 + 2);
  t.regex(collapsed, /label="300 hosts"/);
});

test('Mermaid says the same', t => {
  const mermaid = topologyMermaid(many(300));
  t.regex(mermaid, /^graph LR\n/);
  t.regex(mermaid, /r0\["host2<br\/>rack=r1"\]/);
  t.regex(mermaid, /c0\[\["300 hosts"\]\]/);
  t.is(mermaid.match(/ --- /g)?.length, 3 + 2);
});

test('a mesh is drawn as one, or as the many lines that it is', t => {
  const mesh = (count: number) =>
    topologyView({ mode: 'mesh', hosts: Array.from({ length: count }, (_, i) => `n${i}`) });
  t.is(topologyDot(mesh(5)).match(/ -- /g)?.length, 10);
  t.regex(topologyDot(mesh(50)), /50 hosts\\neach peers with each/);
});
