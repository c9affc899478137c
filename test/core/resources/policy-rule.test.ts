import test from 'ava';
import { parseResource } from '../../../core/resources/parse.js';
import { type Refusal, readsAs, refuses, written } from './written.js';

const kind = 'GlobalNetworkPolicy';
const rest = { tier: 'default', selector: '', doNotTrack: false, preDNAT: false, applyOnForward: false };
const rule = (more: object) => ({ ingress: [{ action: 'Allow', ...more }] });
const keeps = (more: object, expected: object = more) =>
  [rule(more), { ...rest, types: ['Ingress'], ...rule(expected) }] as const;
const source = (more: object) => rule({ protocol: 'TCP', source: more });

test('a rule with every field keeps it', t => {
  readsAs(
    t,
    kind,
    ...keeps({
      ipVersion: 4,
      protocol: 'TCP',
      notProtocol: 'UDP',
      metadata: { annotations: { why: 'so' } },
      source: {
        nets: ['10.0.0.0/8'],
        notNets: ['10.1.0.0/16'],
        selector: 'has(a)',
        notSelector: 'has(b)',
        namespaceSelector: 'global()',
        serviceAccounts: { names: ['a', 'b.c'], selector: 'has(d)' },
        ports: [80, '8000:8080', 'http'],
        notPorts: [8001, 'a_b.c-D'],
      },
      destination: { ports: [1, 65535] },
    }),
  );
  readsAs(t, kind, ...keeps({ protocol: 'ICMP', icmp: { type: 254, code: 255 }, notICMP: { type: 0 } }));
  readsAs(t, kind, ...keeps({ protocol: 58, icmp: { type: 128 } }));
});

test('a parsed rule has both ends, and its ports as ranges', t => {
  const parsed = parseResource(written(kind, source({ ports: ['80', 'http', '1:2'] })));
  const spec = parsed.kind === 'ok' && parsed.resource.kind === kind ? parsed.resource.spec : undefined;
  t.deepEqual(spec?.ingress, [
    {
      action: 'Allow',
      protocol: 'TCP',
      source: {
        nets: [],
        notNets: [],
        ports: [{ min: 80, max: 80 }, { name: 'http' }, { min: 1, max: 2 }],
        notPorts: [],
      },
      destination: { nets: [], notNets: [], ports: [], notPorts: [] },
    },
  ]);
});

test('protocols by name in any case, and by number', t => {
  const cases = [
    ['tcp', 'TCP'],
    ['Udp', 'UDP'],
    ['icmpv6', 'ICMPv6'],
    ['UDPLITE', 'UDPLite'],
    ['sctp', 'SCTP'],
    [1, 1],
    ['255', 255],
  ] as const;
  for (const [given, expected] of cases)
    readsAs(t, kind, ...keeps({ protocol: given }, { protocol: expected }));
});

test('what is empty is not given, as in Calico', t => {
  const empty = {
    nets: [],
    notNets: null,
    selector: '',
    notSelector: '',
    namespaceSelector: '',
    serviceAccounts: { names: [], selector: '' },
    services: null,
    ports: [],
  };
  readsAs(t, kind, ...keeps({ source: empty, destination: {}, icmp: {}, notICMP: null, http: null }, {}));
});

test('addresses are host prefixes, and prefixes are canonical', t => {
  const nets = ['192.0.2.1', '10.0.0.0/8', '0.0.0.0/0'];
  readsAs(
    t,
    kind,
    ...keeps({ source: { nets } }, { source: { nets: ['192.0.2.1/32', '10.0.0.0/8', '0.0.0.0/0'] } }),
  );
  readsAs(t, kind, ...keeps({ source: { notNets: ['FD00::/48'] } }, { source: { notNets: ['fd00::/48'] } }));
});

const at = (field: string) => `ingress[0].${field}`;
const json = JSON.stringify;
const protocolWords = 'a protocol: one of TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, or a number from 1 to 255';
const many = <T>(count: number, of: (i: number) => T) => Array.from({ length: count }, (_, i) => of(i));
const net = (i: number) => `10.0.${i >> 8}.${i & 255}/32`;

const refusals: readonly Refusal[] = [
  [{ ingress: 'all' }, 'ingress', '"all"', 'a list'],
  [{ ingress: ['Allow'] }, 'ingress[0]', '"Allow"', 'a map of fields'],
  [{ ingress: [{}] }, at('action'), 'nothing', 'one of Allow, Deny, Log, Pass'],
  [{ ingress: [{ action: 'allow' }] }, at('action'), '"allow"', 'one of Allow, Deny, Log, Pass'],
  [rule({ ipVersion: 5 }), at('ipVersion'), '5', '4 or 6'],
  [rule({ ipVersion: '4' }), at('ipVersion'), '"4"', '4 or 6'],
  ...[0, 256, 1.5, -1, 'IGMP', '0', '256', '', true, {}].map(
    (value): Refusal => [rule({ protocol: value }), at('protocol'), json(value), protocolWords],
  ),
  [rule({ notProtocol: 'tpc' }), at('notProtocol'), '"tpc"', protocolWords],
  [rule({ protocol: 'ICMP', icmp: { type: 255 } }), at('icmp.type'), '255', /0 to 254/],
  [rule({ protocol: 'ICMP', icmp: { type: -1 } }), at('icmp.type'), '-1', /0 to 254/],
  [rule({ protocol: 'ICMP', icmp: { type: 3, code: 256 } }), at('icmp.code'), '256', /0 to 255/],
  [rule({ protocol: 'ICMP', notICMP: { code: 0 } }), at('notICMP.type'), 'nothing', /a code needs the type/],
  [rule({ icmp: { type: 8 } }), at('icmp'), '{"type":8}', /no protocol: it needs protocol ICMP or ICMPv6/],
  [rule({ protocol: 'TCP', icmp: { type: 8 } }), at('icmp'), '{"type":8}', /protocol TCP: it needs/],
  [rule({ protocol: 6, notICMP: { type: 8 } }), at('notICMP'), '{"type":8}', /protocol 6: it needs/],
  [rule({ protocol: 'ICMP', ipVersion: 6 }), at('ipVersion'), '6', /^4, which protocol ICMP is of$/],
  [rule({ protocol: 'ICMPv6', ipVersion: 4 }), at('ipVersion'), '4', /^6, which protocol ICMPv6 is of$/],
  [rule({ notProtocol: 'icmpv6', ipVersion: 4 }), at('ipVersion'), '4', /^6, which notProtocol ICMPv6/],
  [
    rule({ source: { ports: [80] } }),
    at('source.ports'),
    '[80]',
    /no protocol: they need a protocol with ports/,
  ],
  [
    rule({ protocol: 'ICMP', destination: { notPorts: ['a'] } }),
    at('destination.notPorts'),
    '["a"]',
    /protocol ICMP/,
  ],
  [
    rule({ protocol: 47, destination: { ports: [1] } }),
    at('destination.ports'),
    '[1]',
    /protocol 47: they need/,
  ],
  ...[0, 65536, 1.5, '0:80', '80:79', '1:65536', '80-90', '', 'a b', 'a'.repeat(129), null, '999999'].map(
    (value): Refusal => [
      source({ ports: [value] }),
      at('source.ports[0]'),
      json(value).length > 80 ? `${json(value).slice(0, 77)}...` : json(value),
      /^a port from 1 to 65535, a range such as "8000:8080", or the name of a port/,
    ],
  ),
  [source({ ports: many(51, i => i + 1) }), at('source.ports'), /^\[1,2/, 'a list of at most 50 ports'],
  [source({ nets: many(257, net) }), at('source.nets'), /^\["10/, 'a list of at most 256 prefixes'],
  [source({ notNets: many(257, net) }), at('source.notNets'), /^\["10/, 'a list of at most 256 prefixes'],
  [
    source({ nets: ['10.0.0.1/8'] }),
    at('source.nets[0]'),
    '"10.0.0.1/8"',
    /without host bits: 10\.0\.0\.0\/8/,
  ],
  [source({ nets: ['everything'] }), at('source.nets[0]'), '"everything"', /^an address or a prefix/],
  [
    rule({ ipVersion: 6, source: { nets: ['10.0.0.0/8'] } }),
    at('source.nets[0]'),
    '"10.0.0.0/8"',
    /^an IPv6 prefix, as ipVersion 6 is/,
  ],
  [
    rule({ ipVersion: 4, destination: { notNets: ['::/0'] } }),
    at('destination.notNets[0]'),
    '"::/0"',
    /^an IPv4 prefix/,
  ],
  [
    source({ nets: ['10.0.0.0/8', 'fd00::/8'] }),
    at('source.nets[1]'),
    '"fd00::/8"',
    /^an IPv4 prefix, as source\.nets\[0\] 10\.0\.0\.0\/8 is/,
  ],
  [
    rule({ source: { nets: ['fd00::/8'] }, destination: { notNets: ['10.0.0.0/8'] } }),
    at('destination.notNets[0]'),
    '"10.0.0.0/8"',
    /^an IPv6 prefix, as source\.nets\[0\]/,
  ],
  ...['selector', 'notSelector', 'namespaceSelector'].map(
    (field): Refusal => [
      source({ [field]: 'role = 1' }),
      at(`source.${field}`),
      '"role = 1"',
      /at character 6/,
    ],
  ),
  [source({ selector: 'global()' }), at('source.selector'), '"global()"', /namespaceSelector of a rule/],
  [
    source({ notSelector: '!global()' }),
    at('source.notSelector'),
    '"!global()"',
    /namespaceSelector of a rule/,
  ],
  [
    source({ namespaceSelector: 'global() || has(a)' }),
    at('source.namespaceSelector'),
    '"global() || has(a)"',
    /global\(\) alone/,
  ],
  [source({ serviceAccounts: { names: ['A'] } }), at('source.serviceAccounts.names[0]'), '"A"', /^a name of/],
  [
    source({ serviceAccounts: { selector: '(' } }),
    at('source.serviceAccounts.selector'),
    '"("',
    /at character 2/,
  ],
  [
    source({ serviceAccounts: { selector: 'global()' } }),
    at('source.serviceAccounts.selector'),
    '"global()"',
    /namespaceSelector of a rule/,
  ],
  [source({ services: { name: 'a' } }), at('source.services'), '{"name":"a"}', /does not act on it/],
  [rule({ http: { methods: ['GET'] } }), at('http'), '{"methods":["GET"]}', /does not act on it/],
  [rule({ metadata: { annotations: { a: 1 } } }), at('metadata.annotations.a'), '1', 'a text'],
  [rule({ src: {} }), at('src'), '{}', /a field of Calico's GlobalNetworkPolicy/],
  [source({ net: [] }), at('source.net'), '[]', /did you mean nets\?/],
];

for (const [i, refusal] of refusals.entries()) {
  const [spec, path] = refusal;
  test(`a rule with a wrong ${path} is refused there: ${json(spec).slice(0, 100)} (${i + 1})`, t => {
    refuses(t, kind, [refusal]);
  });
}

test('what is wrong with a rule of a profile is named there', t => {
  refuses(t, 'Profile', [
    [{ egress: [{ action: 'Drop' }] }, 'egress[0].action', '"Drop"', 'one of Allow, Deny, Log, Pass'],
  ]);
});

test('1024 rules are taken and one more is refused, and so with 256 prefixes and 50 ports', t => {
  const rules = many(1025, () => ({ action: 'Deny' }));
  refuses(t, kind, [[{ egress: rules }, 'egress', /^\[/, 'a list of at most 1024 rules']]);
  readsAs(t, kind, { egress: rules.slice(1) }, { ...rest, types: ['Egress'], egress: rules.slice(1) });
  readsAs(t, kind, ...keeps({ source: { nets: many(256, net) } }));
  readsAs(t, kind, ...keeps({ protocol: 'SCTP', source: { ports: many(50, i => i + 1) } }));
});
