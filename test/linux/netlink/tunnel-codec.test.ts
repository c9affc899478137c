import test from 'ava';
import fc from 'fast-check';
import { type IpAddress, type Ipv4Address, ipv4FromNumber } from '../../../core/ip-address.js';
import { parseFdbEntry } from '../../../linux/netlink/bridge-fdb.js';
import { MessageType } from '../../../linux/netlink/constants.js';
import {
  type Link,
  type LinkChange,
  type NewLink,
  parseLink,
  type TunnelParameters,
  writeLinkChange,
  writeNewLink,
} from '../../../linux/netlink/link.js';
import { linkLayerAddressFromBytes } from '../../../linux/netlink/link-layer-address.js';
import { messages, parseError } from '../../../linux/netlink/message.js';
import { bytesOf } from './captured.js';
import {
  additions,
  changes,
  creations,
  deletions,
  listedFdb,
  listedLinks,
  refusals,
} from './captured-tunnels.js';
import { attributes, header, hex, only, written } from './message-parts.js';

const address = (text: string) => text as Ipv4Address;

const vxlan: TunnelParameters & { kind: 'vxlan' } = {
  kind: 'vxlan',
  vni: 4096,
  port: 4789,
  local: address('10.0.0.1'),
  learning: false,
  parentIfindex: 0,
};
const bound: TunnelParameters = {
  ...vxlan,
  vni: 9,
  port: 8472,
  local: undefined,
  learning: true,
  parentIfindex: 50,
};
const ipip: TunnelParameters & { kind: 'ipip' } = {
  kind: 'ipip',
  local: address('10.0.0.1'),
  remote: undefined,
  pathMtuDiscovery: false,
  ttl: 0,
};
const far: TunnelParameters = {
  kind: 'ipip',
  local: address('10.0.0.3'),
  remote: address('192.0.2.7'),
  pathMtuDiscovery: true,
  ttl: 64,
};

/** `ip` says of an IPIP tunnel what is the default anyway: no link, no TOS, no mark, no encapsulation, IPv4 inside. */
const ipipDefaults = ['1=00000000', '5=00', '9=04', '9=00', '15=0000', '16=0000', '17=0000', '18=0000']
  .concat('20=00000000')
  .map(one => `18.2.${one}`);

/** Given an MTU by us where `ip` leaves that to the kernel. */
const mtuByUs = '4=78050000';

const created: readonly (readonly [number, NewLink])[] = [
  [50, { name: 'margay.vxlan', alias: '', mtu: 1450, linkLayerAddress: '66:11:22:33:44:55', tunnel: vxlan }],
  [52, { name: 'bound', alias: '', mtu: 1400, tunnel: bound }],
  [60, { name: 'margay.ipip', alias: '', mtu: 1480, tunnel: ipip }],
  [62, { name: 'far', alias: '', mtu: 1400, tunnel: far }],
];

for (const [i, [command, captured]] of Object.entries(creations).entries()) {
  test(`a link is made with the octets of \`${command}\``, t => {
    const [ifindex, link] = created[i]!;
    const theirs = only(bytesOf(captured));
    const ours = written(MessageType.newLink, writer => writeNewLink(writer, link, ifindex));
    t.is(header(ours, 16), header(theirs, 16));
    const [said, expected] = [new Set(attributes(ours, 16)), new Set(attributes(theirs, 16))];
    // The alias of nothing.
    t.true(said.delete('20='));
    t.deepEqual(
      [...said].filter(one => !expected.has(one)),
      link.mtu === 1400 ? [mtuByUs] : [],
    );
    const more = [...expected].filter(one => !said.has(one));
    t.deepEqual(
      more.filter(one => !ipipDefaults.includes(one)),
      [],
    );
    t.is(more.length === 0, link.tunnel.kind === 'vxlan');
  });
}

const changed: readonly LinkChange[] = [
  { ifindex: 50, alias: 'made by margay' },
  { ifindex: 50, alias: '' },
  { ifindex: 50, linkLayerAddress: '66:11:22:33:44:66' },
  { ifindex: 50, name: 'other' },
  { ifindex: 50, mtu: 1440 },
  { ifindex: 50, up: true },
  { ifindex: 50, up: false },
  { ifindex: 60, tunnel: { ...ipip, local: address('10.0.0.2') } },
];

for (const [i, [command, captured]] of Object.entries(changes).entries()) {
  test(`a link is changed with the octets of \`${command}\``, t => {
    const theirs = only(bytesOf(captured));
    const ours = written(MessageType.newLink, writer => writeLinkChange(writer, changed[i]!));
    t.is(ours.type, theirs.type);
    t.is(header(ours, 16), header(theirs, 16));
    const more = new Set(attributes(theirs, 16));
    for (const one of attributes(ours, 16)) t.true(more.delete(one), one);
    t.deepEqual(
      [...more].filter(one => !ipipDefaults.includes(one)),
      [],
    );
    t.is(more.size === 0, changed[i]!.tunnel === undefined);
  });
}

test('a VXLAN device is told everything again but its port, which the kernel refuses to hear', t => {
  const change = (tunnel: TunnelParameters) =>
    attributes(
      written(MessageType.newLink, writer => writeLinkChange(writer, { ifindex: 50, tunnel })),
      16,
    );
  const kind = `18.1=${Buffer.from('vxlan').toString('hex')}`;
  t.deepEqual(change(vxlan), [kind, '18.2.1=00100000', '18.2.4=0a000001', '18.2.7=00']);
  t.deepEqual(change(bound), [kind, '18.2.1=09000000', '18.2.3=32000000', '18.2.4=00000000', '18.2.7=01']);
});

const plain = { masterIfindex: 0, loopback: false, up: false, carrier: false, alias: '' };
const listed: readonly Link[] = [
  {
    ...plain,
    ifindex: 50,
    name: 'margay.vxlan',
    alias: 'made by margay',
    mtu: 1450,
    linkLayerAddress: '66:11:22:33:44:55',
    kind: 'vxlan',
    tunnel: vxlan,
  },
  {
    ...plain,
    ifindex: 52,
    name: 'bound',
    mtu: 1390,
    linkLayerAddress: 'a6:9f:19:b3:7d:c4',
    kind: 'vxlan',
    tunnel: bound,
  },
  {
    ...plain,
    ifindex: 53,
    name: 'six',
    mtu: 1500,
    linkLayerAddress: '7e:84:4e:8a:99:33',
    kind: 'vxlan',
    tunnel: { ...vxlan, vni: 10, local: 'fd00::1' as IpAddress, learning: true },
  },
  {
    ...plain,
    ifindex: 60,
    name: 'margay.ipip',
    alias: 'made by margay',
    mtu: 1480,
    linkLayerAddress: '',
    kind: 'ipip',
    tunnel: { ...ipip, local: address('10.0.0.2') },
  },
  { ...plain, ifindex: 62, name: 'far', mtu: 1480, linkLayerAddress: '', kind: 'ipip', tunnel: far },
  {
    ...plain,
    ifindex: 2,
    name: 'tunl0',
    mtu: 1480,
    linkLayerAddress: '',
    kind: 'ipip',
    tunnel: { ...ipip, local: undefined },
  },
];

for (const [i, [name, captured]] of Object.entries(listedLinks).entries()) {
  test(`the kernel's words on ${name} are read`, t => {
    t.deepEqual(parseLink(only(bytesOf(captured))), listed[i]);
  });
}

test('the kernel says why, and IPIP does not', t => {
  t.deepEqual(
    Object.values(refusals).map(captured => {
      const { errno, text } = parseError(only(bytesOf(captured)));
      return [errno, text];
    }),
    [
      [95, 'Cannot change VNI'],
      [95, 'Cannot change port'],
      [17, 'A VXLAN device with the specified VNI already exists'],
      [17, ''],
    ],
  );
});

const ipv4 = fc
  .integer({ min: 1, max: 0xffffffff })
  .map(value => ipv4FromNumber(value))
  .chain(one => fc.constantFrom(one, undefined));
const octet = fc.integer({ min: 0, max: 255 });
const anyTunnel: fc.Arbitrary<TunnelParameters> = fc.oneof(
  fc.record({
    kind: fc.constant('ipip' as const),
    local: ipv4,
    remote: ipv4,
    pathMtuDiscovery: fc.boolean(),
    ttl: octet,
  }),
  fc.record({
    kind: fc.constant('vxlan' as const),
    vni: fc.integer({ min: 0, max: 0xffffff }),
    port: fc.integer({ min: 0, max: 0xffff }),
    local: ipv4,
    learning: fc.boolean(),
    parentIfindex: fc.integer({ min: 0, max: 0x7fffffff }),
  }),
);
const anyNewLink: fc.Arbitrary<NewLink> = fc.record({
  name: fc.stringMatching(/^[a-z][a-z0-9.]{0,14}$/),
  alias: fc.string({ unit: 'grapheme', maxLength: 60 }).filter(text => !text.includes('\0')),
  mtu: fc.integer({ min: 68, max: 65535 }),
  linkLayerAddress: fc
    .uint8Array({ minLength: 6, maxLength: 6 })
    .map(bytes => linkLayerAddressFromBytes(bytes, 0, 6)),
  tunnel: anyTunnel,
});

test('any link is read as it was written', t => {
  fc.assert(
    fc.property(anyNewLink, fc.integer({ min: 1, max: 0x7fffffff }), (link, ifindex) => {
      const read = parseLink(written(MessageType.newLink, writer => writeNewLink(writer, link, ifindex)));
      t.deepEqual(read, { ...plain, ...link, ifindex, kind: link.tunnel.kind } as Link);
    }),
  );
});

test('every truncation of every message is survived', t => {
  const everything = [creations, changes, deletions, additions, listedLinks, refusals]
    .flatMap(group => Object.values(group))
    .concat([...messages(bytesOf(listedFdb))].map(({ bytes, start, end }) => hex(bytes, start - 16, end)));
  let parsed = 0;
  for (const whole of everything.map(bytesOf)) {
    for (let length = 16; length <= whole.length; length++) {
      const cut = whole.slice(0, length);
      new DataView(cut.buffer).setUint32(0, length, true);
      for (const message of messages(cut)) {
        parsed++;
        t.notThrows(() => [parseLink(message), parseFdbEntry(message), parseError(message)]);
      }
    }
  }
  t.true(parsed > 3000);
});
