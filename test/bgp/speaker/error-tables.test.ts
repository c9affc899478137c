/**
 * What errors in messages are answered with: code, subcode and data of the NOTIFICATION, octet for octet (RFC 4271 section 6, RFC 6608,
 * RFC 7313, RFC 9234). The sessions are external, of AS 65002 with AS 64512.
 */
import test from 'ava';
import type { PeerOptions } from '../../../bgp/index.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { hex, toHex } from '../../support/hex.js';
import { acceptAll, newWorld } from './memory.js';
import { RawPeer, type RawPeerOptions } from './raw-peer.js';

interface Row {
  readonly what: string;
  readonly sent: string;
  /** "code/subcode data"; undefined: the session lives. */
  readonly answer: string | undefined;
}

function setting(raw: Partial<RawPeerOptions>, options: Partial<PeerOptions> = {}) {
  const world = newWorld();
  const speaker = world.speaker('10.0.0.1', 64512);
  const peer = speaker.addPeer({ address: '10.0.0.2', asn: 65002, passive: true, ...acceptAll, ...options });
  const other = new RawPeer({
    transport: world.network.host('10.0.0.2' as IpAddress),
    address: '10.0.0.2',
    asn: 65002,
    remote: '10.0.0.1',
    remoteAsn: 64512,
    ...raw,
  });
  world.clock.advance(100);
  return { world, peer, other };
}

function answers({ other, world }: ReturnType<typeof setting>): string | undefined {
  world.clock.advance(100);
  const [first, ...more] = other.notifications;
  if (more.length > 0) return 'more than one NOTIFICATION';
  if (first === undefined) return other.closed ? 'closed without a word' : undefined;
  return `${first.code}/${first.subcode} ${toHex(first.data)}`.trim();
}

/** RFC 4271 section 6.1. */
const headers: readonly Row[] = [
  { what: 'a marker that is not all ones', sent: `fe${'ff'.repeat(15)} 0013 04`, answer: '1/1' },
  { what: 'a length of 18', sent: 'M 0012 04', answer: '1/2 0012' },
  { what: 'a length of 4097', sent: 'M 1001 02', answer: '1/2 1001' },
  { what: 'an OPEN of 28', sent: `M 001c 01 ${'00'.repeat(9)}`, answer: '1/2 001c' },
  { what: 'an UPDATE of 22', sent: 'M 0016 02 0000 00', answer: '1/2 0016' },
  { what: 'a NOTIFICATION of 20', sent: 'M 0014 03 06', answer: '1/2 0014' },
  { what: 'a KEEPALIVE of 20', sent: 'M 0014 04 00', answer: '1/2 0014' },
  { what: 'type 0', sent: 'M 0013 00', answer: '1/3 00' },
  { what: 'type 6', sent: 'M 0013 06', answer: '1/3 06' },
  { what: 'type 255', sent: 'M 0013 ff', answer: '1/3 ff' },
];

for (const { what, sent, answer } of headers) {
  test(`header: ${what} is ${answer}, before and after the session is up`, t => {
    t.is(answers(setting({ first: hex(sent) })), answer);
    const up = setting({});
    t.true(up.other.established);
    up.other.send(hex(sent));
    t.is(answers(up), answer);
    t.not(up.peer.status().state, 'Established');
  });
}

const capabilities = '02 0c 01 04 0001 00 01 41 04 0000fdea';
function open(fields: { version?: string; asn?: string; hold?: string; id?: string; parameters?: string }) {
  const { version = '04', asn = 'fdea', hold = '005a', id = '0a000002', parameters = capabilities } = fields;
  const octets = (text: string) => text.replaceAll(/\s/g, '').length / 2;
  const tail = `${octets(parameters).toString(16).padStart(2, '0')} ${parameters}`;
  const length = (28 + octets(tail)).toString(16).padStart(4, '0');
  return `M ${length} 01 ${version} ${asn} ${hold} ${id} ${tail}`;
}

/** RFC 4271 section 6.2. */
const opens: readonly Row[] = [
  { what: 'as it should be', sent: open({}), answer: undefined },
  { what: 'of version 3', sent: open({ version: '03' }), answer: '2/1 0004' },
  { what: 'of version 5', sent: open({ version: '05' }), answer: '2/1 0004' },
  { what: 'of another AS', sent: open({ asn: 'fdeb' }), answer: '2/2' },
  {
    what: 'of another AS in the capability',
    sent: open({ parameters: '02 0c 01 04 0001 00 01 41 04 0000fdeb' }),
    answer: '2/2',
  },
  { what: 'of AS 0', sent: open({ asn: '0000', parameters: '' }), answer: '2/2' },
  { what: 'of BGP identifier 0.0.0.0', sent: open({ id: '00000000' }), answer: '2/3' },
  {
    what: 'with optional parameter 1, which is no more',
    sent: open({ parameters: '01 02 0000' }),
    answer: '2/4',
  },
  { what: 'with optional parameter 9', sent: open({ parameters: '09 00' }), answer: '2/4' },
  { what: 'with parameters that run past it', sent: open({ parameters: '02 09 01 04' }), answer: '2/0' },
  {
    what: 'with a capability that runs past its parameter',
    sent: open({ parameters: '02 04 01 04 0001' }),
    answer: '2/0',
  },
  { what: 'with a hold time of 1', sent: open({ hold: '0001' }), answer: '2/6' },
  { what: 'with a hold time of 2', sent: open({ hold: '0002' }), answer: '2/6' },
  { what: 'with a hold time of 3', sent: open({ hold: '0003' }), answer: undefined },
  {
    what: 'without a family of ours',
    sent: open({ parameters: '02 0c 01 04 0002 00 01 41 04 0000fdea' }),
    answer: '2/7 010400010001',
  },
  {
    what: 'with a capability that nobody knows',
    sent: open({ parameters: '02 0f 01 04 0001 00 01 41 04 0000fdea c8 01 07' }),
    answer: undefined,
  },
];

for (const { what, sent, answer } of opens) {
  test(`OPEN ${what} is ${answer ?? 'accepted'}`, t => {
    t.is(answers(setting({ first: hex(sent) })), answer);
  });
}

const withRole = (role: string) =>
  open({ parameters: `02 0f 01 04 0001 00 01 41 04 0000fdea 09 01 ${role}` });

test('OPEN with a role is 2/11 where it does not go with ours, and where ours demands one there is none (RFC 9234)', t => {
  t.is(answers(setting({ first: hex(withRole('03')) }, { role: 'provider' })), undefined);
  t.is(answers(setting({ first: hex(withRole('00')) }, { role: 'provider' })), '2/11');
  t.is(answers(setting({ first: hex(open({})) }, { role: 'provider' })), undefined);
  t.is(answers(setting({ first: hex(open({})) }, { role: 'provider', roleStrict: true })), '2/11');
});

const intact = '40 01 01 00 40 02 06 02 01 0000fdea 40 03 04 0a000002';
function update(attributes: string, nlri = '18 cb0071', withdrawn = '') {
  const octets = (text: string) => text.replaceAll(/\s/g, '').length / 2;
  const u16 = (number: number) => number.toString(16).padStart(4, '0');
  const body = `${u16(octets(withdrawn))} ${withdrawn} ${u16(octets(attributes))} ${attributes} ${nlri}`;
  return `M ${u16(19 + octets(body))} 02 ${body}`;
}

/** RFC 4271 section 6.3, as RFC 7606 has revised it. */
const updates: readonly Row[] = [
  { what: 'as it should be', sent: update(intact), answer: undefined },
  { what: 'whose withdrawn routes run past it', sent: 'M 0017 02 0001 0000', answer: '3/1' },
  { what: 'whose attributes run past it', sent: 'M 0017 02 0000 0001', answer: '3/1' },
  {
    what: 'with a well-known attribute that nobody knows',
    sent: update(`${intact} 40 63 01 07`),
    answer: '3/2 40630107',
  },
  { what: 'without ORIGIN', sent: update('40 02 06 02 01 0000fdea 40 03 04 0a000002'), answer: undefined },
  {
    what: 'with a bad ORIGIN and no routes (RFC 7606 section 5.2)',
    sent: update('40 01 01 05', ''),
    answer: '3/6 40010105',
  },
  {
    what: 'with an ORIGIN of two octets and no routes',
    sent: update('40 01 02 0000', ''),
    answer: '3/5 4001020000',
  },
  {
    what: 'with flags in conflict and no routes',
    sent: update('c0 01 01 00', ''),
    answer: '3/4 c0010100',
  },
  {
    what: 'with a bad AS_PATH and no routes',
    sent: update('40 02 02 0200', ''),
    answer: '3/11 4002020200',
  },
  {
    what: 'with a bad NEXT_HOP and no routes',
    sent: update('40 03 04 e0000001', ''),
    answer: '3/8 400304e0000001',
  },
  {
    what: 'with a bad NEXT_HOP and a route',
    sent: update(intact.replace('0a000002', 'e0000001')),
    answer: undefined,
  },
  { what: 'with a prefix of 33 bits', sent: update(intact, '21 cb00710000'), answer: '3/10' },
  { what: 'with a prefix that runs past it', sent: update(intact, '18 cb00'), answer: '3/10' },
  { what: 'that withdraws a prefix of 33 bits', sent: update('', '', '21 cb00710000'), answer: '3/10' },
  {
    what: 'with a malformed MP_REACH_NLRI',
    sent: update(`${intact} 80 0e 03 0001 01`),
    answer: '3/9 800e03000101',
  },
  {
    what: 'with MP_UNREACH_NLRI twice',
    sent: update('80 0f 03 0002 01 80 0f 03 0002 01', ''),
    answer: '3/1',
  },
];

for (const { what, sent, answer } of updates) {
  test(`UPDATE ${what} is ${answer ?? 'no reason to end the session'}`, t => {
    const up = setting({});
    up.other.send(hex(sent));
    t.is(answers(up), answer);
    t.is(up.peer.status().state === 'Established', answer === undefined);
  });
}

test('messages out of turn are 5/1, 5/2 and 5/3 (RFC 6608)', t => {
  const keepalive = 'M 0013 04';
  t.is(answers(setting({ first: hex(keepalive) })), '5/1');
  t.is(answers(setting({ first: hex(update(intact)) })), '5/1');
  const unconfirmed = setting({ unconfirmed: true });
  unconfirmed.other.send(hex(update(intact)));
  t.is(answers(unconfirmed), '5/2');
  const up = setting({});
  up.other.send(hex(open({})));
  t.is(answers(up), '5/3');
});
