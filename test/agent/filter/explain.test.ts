import test from 'ava';
import { ControlFailure } from '../../../agent/control/backend.js';
import type { ExplainQuery } from '../../../agent/control/policy-types.js';
import { type ExplainingAgent, explain } from '../../../agent/filter/explain.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { parseResource } from '../../../core/resources/parse.js';
import type { Resource } from '../../../core/resources/resource.js';
import { makeHostPolicy, makeWorkload, settings } from '../../policy/host-policies.js';

const ip = (text: string) => text as IpAddress;
const apiVersion = 'projectcalico.org/v3';

function read(document: object): Resource {
  const parsed = parseResource(document);
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  return parsed.resource;
}

function workload(name: string, host: string, addresses: readonly string[], namespace = 'shop') {
  return read({
    apiVersion,
    kind: 'WorkloadEndpoint',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      node: host,
      interfaceName: `cali${name}`,
      ipNetworks: addresses,
      profiles: ['projectcalico-default-allow'],
    },
  });
}

const documents = [
  read({
    apiVersion,
    kind: 'Node',
    metadata: { name: 'host-b' },
    spec: { bgp: { ipv4Address: '10.9.0.2/24' } },
  }),
  workload('web', 'host-a', ['10.65.0.1/32', 'fd00:65::1/128']),
  workload('db', 'host-b', ['10.65.1.1/32', 'fd00:65:1::1/128']),
  workload('six', 'host-a', ['fd00:65::6/128']),
  workload('web', 'host-b', ['10.65.1.9/32'], 'other'),
  read({
    apiVersion,
    kind: 'NetworkPolicy',
    metadata: { name: 'db', namespace: 'shop' },
    spec: {
      selector: "app == 'db'",
      types: ['Ingress'],
      ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [5432] } }],
    },
  }),
];

function agent(more: Partial<ExplainingAgent> = {}): ExplainingAgent {
  return {
    nodeName: 'host-a',
    dataplane: {
      ownAddresses: [ip('10.9.0.1')],
      routeTaken: () => ({
        kind: 'ours',
        prefix: '10.65.1.0/26' as never,
        legs: [{ gateway: ip('10.9.0.2'), interfaceName: 'eth7' }],
        problem: '',
      }),
    },
    filter: undefined,
    bestRoute: async () => ({ from: 'Mesh_10_9_0_2', nextHop: '10.9.0.2' }),
    ...more,
  };
}

const ask = (query: ExplainQuery, more: Partial<ExplainingAgent> = {}) =>
  explain(agent(more), documents, query);
const failure = async (query: ExplainQuery) => {
  try {
    await ask(query);
    return undefined;
  } catch (error) {
    return error instanceof ControlFailure ? error : undefined;
  }
};

test('a packet is judged on both hosts, and the rule that decides is named', async t => {
  const view = await ask({ from: 'shop/web', to: 'db', port: '5432/tcp' });
  t.like(view, { verdict: 'allow', policyHere: 'off', from: { name: 'shop/web', host: 'host-a' } });
  t.deepEqual(
    view.hosts.map(({ host, here, verdict }) => [host, here, verdict]),
    [
      ['host-a', true, 'allow'],
      ['host-b', false, 'allow'],
    ],
  );
  const rules = view.hosts[1]?.steps.filter(({ kind }) => kind === 'rule');
  t.like(rules?.[0], { owner: { key: 'NetworkPolicy/shop/db' }, rule: 0, action: 'allow' });
  const denied = await ask({ from: 'shop/web', to: 'db', port: '22/tcp' });
  t.is(denied.verdict, 'deny');
  t.regex(denied.why, /host-b.*default/);
  t.regex(view.why, /host-a.*host-b, NetworkPolicy.shop.db: rule 0/);
});

test('without a port it is an echo request, of the family that both have', async t => {
  t.like((await ask({ from: 'shop/web', to: 'db' })).packet, { protocol: 1, icmp: { type: 8, code: 0 } });
  t.like((await ask({ from: 'shop/web', to: 'shop/six' })).packet, {
    protocol: 58,
    icmp: { type: 128, code: 0 },
    source: 'fd00:65::1',
  });
});

test('the route names prefix, interface, next hop and who told it', async t => {
  const { route } = await ask({ from: 'shop/web', to: 'db', port: '5432/tcp' });
  t.like(route, { kind: 'ours', prefix: '10.65.1.0/26', learnedFrom: 'Mesh_10_9_0_2', nextHop: '10.9.0.2' });
  t.deepEqual(route.legs, [{ gateway: '10.9.0.2', interface: 'eth7' }]);
  t.regex(route.words, /10\.65\.1\.0\/26.*Mesh_10_9_0_2.*eth7/);
  t.is((await ask({ from: 'shop/web', to: 'db' }, { dataplane: undefined })).route.kind, 'unknown');
});

test('addresses of hosts are processes of theirs: by their documents, and of this host by its kernel', async t => {
  const view = await ask({ from: 'shop/web', to: '10.9.0.1', port: '22/tcp' });
  t.is(view.to.name, 'host host-a');
  t.true(view.hosts[0]?.steps.some(step => step.kind === 'hook' && step.chain === 'INPUT'));
  const other = await ask({ from: '10.9.0.2', to: '10.65.1.1', port: '22/tcp' });
  t.is(other.from.name, 'host host-b');
  t.like(other.hosts[0]?.steps.at(-1), { kind: 'decided', why: 'own-workload' });
});

test('of this host what is in force counts, and not what its documents say', async t => {
  const key = 'WorkloadEndpoint/shop/web';
  const policy = makeHostPolicy({
    workloads: [makeWorkload('caliweb', ['10.65.0.1/32'], { key, disabled: true })],
  });
  const status = () => ({ inForce: true }) as never;
  const view = await ask(
    { from: 'shop/web', to: 'db', port: '5432/tcp' },
    { filter: { policy, settings, status } },
  );
  t.like(view, { verdict: 'deny', policyHere: 'in-force' });
  t.like(view.hosts[0]?.steps.at(-1), { why: 'disabled' });
});

test('who is not there, whose name is not one alone, and ends that nobody judges', async t => {
  const unknown = await failure({ from: 'shop/webb', to: 'db' });
  t.is(unknown?.status, 404);
  t.like(unknown?.problem, { field: 'from', value: 'shop/webb' });
  t.regex(unknown?.problem.allowed ?? '', /shop\/web/);
  t.like((await failure({ from: 'shop/web', to: 'web' }))?.problem, { field: 'to', value: 'web' });
  t.is((await failure({ from: '192.0.2.9', to: '198.51.100.1' }))?.status, 409);
  t.is((await failure({ from: 'shop/six', to: 'other/web' }))?.status, 409);
});
