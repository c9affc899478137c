import test from 'ava';
import { sessionOptionsOf } from '../../../core/resources/annotations.js';
import { parseResource } from '../../../core/resources/parse.js';
import type { ResourceKind } from '../../../core/resources/resource.js';
import {
  parseSessionOptions,
  sessionOptionNames,
  sessionOptions,
} from '../../../core/resources/session-options.js';
import { problems, readsAs, refuses, written } from './written.js';

const every: Readonly<Record<string, string>> = {
  holdTime: '9s',
  bfd: 'Strict',
  bfdInterval: '300ms',
  bfdMultiplier: '3',
  longLivedStaleTime: '24h',
  addPathReceive: 'true',
  addPathSend: '4',
  extendedMessages: 'true',
  extendedNextHop: 'false',
  role: 'Customer',
  roleStrict: 'true',
  maxPrefixes: '1000',
  maxPrefixesAction: 'Restart',
  maxPrefixesRestartTime: '5m',
  removePrivateASNumbers: 'true',
  enforceFirstAS: 'false',
  gracefulShutdown: 'true',
  honourGracefulShutdown: 'false',
  notificationRestart: 'true',
  holdExpiryKeeps: 'true',
  sendHoldTime: '0s',
  families: 'Both',
  routeReflectorClient: 'false',
  passwordFile: '/etc/margay/bgp-password',
};
const specs: Readonly<Record<string, object>> = {
  BGPPeer: { peerIP: '192.0.2.1', asNumber: 65001 },
  BGPConfiguration: {},
};

function annotated(kind: ResourceKind, options: Readonly<Record<string, string>>, spec: object = {}) {
  const annotations = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [`margay.io/${name}`, value]),
  );
  return { ...written(kind, { ...specs[kind], ...spec }), metadata: { name: 'a', annotations } };
}

test('every option is read off a BGPPeer, a range of peers, and a BGPConfiguration where it makes sense', t => {
  const expected = {
    holdTime: 9,
    bfd: 'Strict',
    bfdInterval: 0.3,
    bfdMultiplier: 3,
    longLivedStaleTime: 86400,
    addPathReceive: true,
    addPathSend: 4,
    extendedMessages: true,
    extendedNextHop: false,
    role: 'Customer',
    roleStrict: true,
    maxPrefixes: 1000,
    maxPrefixesAction: 'Restart',
    maxPrefixesRestartTime: 300,
    removePrivateASNumbers: true,
    enforceFirstAS: false,
    gracefulShutdown: true,
    honourGracefulShutdown: false,
    notificationRestart: true,
    holdExpiryKeeps: true,
    sendHoldTime: 0,
    families: 'Both',
    routeReflectorClient: false,
    passwordFile: '/etc/margay/bgp-password',
  };
  t.deepEqual([...Object.keys(every), 'passwordEnv'].toSorted(), sessionOptionNames.toSorted());
  const { families, routeReflectorClient, ...ofMesh } = every;
  const peer = parseResource(annotated('BGPPeer', every));
  const mesh = parseResource(annotated('BGPConfiguration', ofMesh));
  const range = parseResource(written('BGPPeerRange', { cidr: '10.0.0.0/8', ...every }));
  for (const parsed of [peer, mesh, range]) {
    if (parsed.kind !== 'ok') return void t.fail(JSON.stringify(parsed.problems));
    const options = sessionOptionsOf(parsed.resource as never);
    t.deepEqual(options, parsed === mesh ? ({ ...options } as never) : expected);
    t.deepEqual({ ...options, families: 'Both', routeReflectorClient: false }, expected as never);
  }
  const ofNoMesh = { families: String(families), routeReflectorClient: String(routeReflectorClient) };
  t.is(problems(annotated('BGPConfiguration', ofNoMesh)).length, 2);
});

test('a wrong option is refused with its place and what is allowed, also beside another', t => {
  const path = (name: string) => `metadata.annotations["margay.io/${name}"]`;
  const refused = (options: Record<string, string>, spec: object = {}) =>
    problems(annotated('BGPPeer', options, spec)).map(problem => [problem.path, problem.value]);
  for (const [name, value] of [
    ['bfd', 'on'],
    ['holdTime', '2s'],
    ['holdTime', '90'],
    ['holdTime', '90.5s'],
    ['bfdInterval', '49ms'],
    ['bfdMultiplier', '1'],
    ['addPathSend', '33'],
    ['role', 'customer'],
    ['maxPrefixes', '0'],
    ['sendHoldTime', '7s'],
    ['sendHoldTime', '90s'],
    ['extendedMessages', 'yes'],
  ] as const) {
    t.deepEqual(refused({ [name]: value }), [[path(name), JSON.stringify(value)]], name);
  }
  t.deepEqual(refused({ passwordFile: 'hunter2' }), [[path('passwordFile'), '(not shown)']]);
  t.deepEqual(refused({ passwordEnv: 'A-B' }), [[path('passwordEnv'), '(not shown)']]);
  t.regex(problems(annotated('BGPPeer', { bdf: 'On' }))[0]?.allowed ?? '', /did you mean margay\.io\/bfd/);
  const password = { secretKeyRef: { name: 's', key: 'k' } };
  t.is(refused({ passwordFile: '/a' }, { password })[0]?.[0], path('passwordFile'));
  t.is(refused({ passwordFile: '/a', passwordEnv: 'B' })[0]?.[0], path('passwordEnv'));
  t.is(refused({ roleStrict: 'true' })[0]?.[0], path('roleStrict'));
  t.is(refused({ maxPrefixesAction: 'Stop' })[0]?.[0], path('maxPrefixesAction'));
  t.is(refused({ maxPrefixes: '1', maxPrefixesRestartTime: '1m' })[0]?.[0], path('maxPrefixesRestartTime'));
  t.is(refused({ bfdMultiplier: '5' })[0]?.[0], path('bfdMultiplier'));
  t.deepEqual(refused({ bfdMultiplier: '5' }, { failureDetectionMode: 'BFDIfDirectlyConnected' }), []);
});

test('a range of peers: its fields, typed or as text, and what is wrong with them', t => {
  const cidr = '10.0.0.0/8';
  readsAs(t, 'BGPPeerRange', { cidr }, { cidr, limit: 100 });
  readsAs(t, 'BGPPeerRange', {
    cidr: 'fd00::/16',
    node: 'rr1',
    asNumbers: [64512, 65001],
    limit: 1000,
    filters: ['in'],
    password: { secretKeyRef: { name: 's', key: 'k' } },
    ttlSecurity: 1,
    bfd: 'On',
    addPathSend: 2,
    extendedMessages: true,
    holdTime: '9s',
  });
  refuses(t, 'BGPPeerRange', [
    [{}, 'cidr', 'nothing', /a prefix/],
    [{ cidr, limit: 0 }, 'limit', '0', /1 to 65535/],
    [{ cidr, asNumbers: [] }, 'asNumbers', '[]', /at least one/],
    [{ cidr, node: 'a', nodeSelector: 'all()' }, 'nodeSelector', '"all()"', /beside node/],
    [{ cidr, addPathSend: 33 }, 'addPathSend', '33', /0 to 32/],
    [{ cidr, bfd: true }, 'bfd', 'true', 'one of Off, On, Strict'],
    [{ cidr, peerIP: '10.0.0.1' }, 'peerIP', '"10.0.0.1"', /a field of a BGPPeerRange/],
    [{ cidr, roleStrict: true }, 'roleStrict', 'true', /without a role/],
  ]);
});

test('an option that nobody would accept is no option', t => {
  t.deepEqual(parseSessionOptions({ bfd: 'Sometimes', holdTime: null, toString: 'x' }), {});
  t.is(sessionOptions.holdTime.parse('0s'), 0);
});
