import test from 'ava';
import type { IpAddress } from '../../core/ip-address.js';
import type { RemoteHost } from '../../ipip/encapsulation.js';
import { isEmptyVtepPlan, planVtepPeers, vtepGateway } from '../../ipip/vtep-peers.js';
import { permanentFdbState } from '../../linux/netlink/bridge-fdb.js';

const OURS = 9;
const PERMANENT = 0x80;
const ip = (text: string) => text as IpAddress;
const mac = (n: number) => `02:00:00:00:00:0${n}`;

const host = (n: number, vtepMac = mac(n)): RemoteHost => ({
  name: `host-${n}`,
  address: ip(`10.0.0.${n}`),
  receives: undefined,
  vtepMac,
});
const fdb = (n: number, address = `10.0.0.${n}`, ifindex = OURS) => ({
  ifindex,
  linkLayerAddress: mac(n),
  destination: ip(address),
  state: permanentFdbState,
});
const neighbour = (n: number, state = PERMANENT, address = `10.0.0.${n}`, ifindex = OURS) => ({
  ifindex,
  address: ip(address),
  linkLayerAddress: mac(n),
  state,
});

test('hosts that are not there are added, those that are cost nothing', t => {
  const plan = planVtepPeers(OURS, [host(2), host(3)], { fdb: [fdb(2)], neighbours: [neighbour(2)] });
  t.deepEqual(plan, { addFdb: [fdb(3)], deleteFdb: [], addNeighbours: [neighbour(3)], deleteNeighbours: [] });
  const tables = { fdb: [fdb(2), fdb(3)], neighbours: [neighbour(2), neighbour(3)] };
  t.true(isEmptyVtepPlan(planVtepPeers(OURS, [host(2), host(3)], tables)));
});

test('a host that is gone goes, and what was flooded or learnt', t => {
  const flood = {
    ifindex: OURS,
    linkLayerAddress: '00:00:00:00:00:00',
    destination: ip('10.0.0.2'),
    state: PERMANENT,
  };
  const plan = planVtepPeers(OURS, [], { fdb: [fdb(2), flood], neighbours: [neighbour(2)] });
  t.deepEqual(plan, {
    addFdb: [],
    deleteFdb: [fdb(2), flood],
    addNeighbours: [],
    deleteNeighbours: [neighbour(2)],
  });
});

test('a host that moved to another address leaves the old one', t => {
  const tables = { fdb: [fdb(2, '10.0.0.9')], neighbours: [neighbour(2, PERMANENT, '10.0.0.9')] };
  t.deepEqual(planVtepPeers(OURS, [host(2)], tables), {
    addFdb: [fdb(2)],
    deleteFdb: [fdb(2, '10.0.0.9')],
    addNeighbours: [neighbour(2)],
    deleteNeighbours: [neighbour(2, PERMANENT, '10.0.0.9')],
  });
});

test('an entry that would expire, or has another MAC, is written anew', t => {
  const STALE = 0x04;
  const plan = planVtepPeers(OURS, [host(2)], { fdb: [fdb(2)], neighbours: [neighbour(2, STALE)] });
  t.deepEqual(plan.addNeighbours, [neighbour(2)]);
  t.deepEqual(plan.deleteNeighbours, []);
});

test('of two hosts with one MAC the first has it', t => {
  const plan = planVtepPeers(OURS, [host(2), host(3, mac(2))], { fdb: [], neighbours: [] });
  t.deepEqual(plan.addFdb, [fdb(2)]);
  t.deepEqual(plan.addNeighbours, [neighbour(2)]);
});

test('a host without a MAC, other devices and IPv6 are left alone', t => {
  const tables = {
    fdb: [fdb(4, '10.0.0.4', 3)],
    neighbours: [neighbour(4, PERMANENT, '10.0.0.4', 3), neighbour(5, PERMANENT, 'fe80::5')],
  };
  t.true(isEmptyVtepPlan(planVtepPeers(OURS, [host(2, '')], tables)));
});

test('IPv6: a host is a neighbour by the link-local address of its MAC, and its node’s address is behind the MAC', t => {
  const six = (n: number): RemoteHost => ({ ...host(n), address: ip(`fd00::${n}`) });
  t.is(vtepGateway(six(2)), ip('fe80::ff:fe00:2'));
  t.is(vtepGateway({ ...six(2), vtepMac: '66:a1:b2:c3:d4:e5' }), ip('fe80::64a1:b2ff:fec3:d4e5'));
  t.is(vtepGateway(host(2)), ip('10.0.0.2'));
  const plan = planVtepPeers(OURS, [host(2), six(2), six(3)], { fdb: [], neighbours: [] }, 'ipv6');
  t.deepEqual(plan.addFdb, [fdb(2, 'fd00::2'), fdb(3, 'fd00::3')]);
  t.deepEqual(plan.addNeighbours, [
    neighbour(2, PERMANENT, 'fe80::ff:fe00:2'),
    neighbour(3, PERMANENT, 'fe80::ff:fe00:3'),
  ]);
  const tables = { fdb: plan.addFdb, neighbours: plan.addNeighbours };
  t.true(isEmptyVtepPlan(planVtepPeers(OURS, [host(2), six(2), six(3)], tables, 'ipv6')));
  t.deepEqual(planVtepPeers(OURS, [six(2)], tables, 'ipv6').deleteNeighbours, [plan.addNeighbours[1]!]);
});
