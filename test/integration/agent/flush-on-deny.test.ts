/** The whole agent with policy: what becomes of connections that go on when a policy denies them. */
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { patience } from '../../../demo/patience.js';
import { ConntrackTable } from '../../../linux/netlink/conntrack-table.js';
import { eventually } from '../../support/eventually.js';
import { join as connect, makeNamespace } from '../../support/network-namespace.js';
import { PolicyAgent } from './policy-agent.js';
import { nothing, TalkingEnds } from './talking-ends.js';

type Backend = 'NFT' | 'Legacy';
const backends: readonly Backend[] = ['NFT', 'Legacy'];

/** An agent, two workloads that are really there, and somebody outside. */
async function startHost(t: ExecutionContext, backend: Backend, annotations: Record<string, string> = {}) {
  const host = makeNamespace(t);
  host.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  const outside = makeNamespace(t);
  connect(host, 'eth0', outside, 'eth0');
  host.ip('addr add 192.0.2.1/24 dev eth0');
  outside.ip('addr add 192.0.2.9/24 dev eth0');
  outside.ip('route add default via 192.0.2.1');
  const [client, server] = [1, 2].map(number => {
    const workload = makeNamespace(t);
    connect(host, `cali${number}`, workload, 'eth0');
    host.run('sysctl', '-qw', `net.ipv4.conf.cali${number}.proxy_arp=1`);
    workload.ip(`addr add 10.65.0.${number}/32 dev eth0`);
    workload.ip('route add default dev eth0');
    return workload;
  });
  const agent = new PolicyAgent(t, host);
  const felix = (of: Record<string, string>) =>
    agent.write('felix', {
      apiVersion: 'projectcalico.org/v3',
      kind: 'FelixConfiguration',
      metadata: { name: 'default', annotations: of },
      spec: { iptablesBackend: backend, defaultEndpointToHostAction: 'Accept' },
    });
  felix(annotations);
  agent.start();
  const routes = () => host.ip('route show proto 157');
  const routed = () => routes().includes('cali1') && routes().includes('cali2');
  t.true(await eventually(routed, 20_000, 100), routes());
  const table = new ConntrackTable(host.path);
  t.teardown(() => table.close());
  const marked = async () => (await table.find(() => true, 0x200000)).length;
  return { agent, host, outside, client: client!, server: server!, felix, marked };
}

const DENIED = { selector: "app == 'w2'", types: ['Ingress'] };
const OPEN = { ...DENIED, ingress: [{ action: 'Allow' }] };

function policy(name: string, spec: object, flushOnDeny?: boolean) {
  const annotations = flushOnDeny === undefined ? {} : { 'margay.io/flushOnDeny': String(flushOnDeny) };
  const metadata = { name, namespace: 'default', annotations };
  return { apiVersion: 'projectcalico.org/v3', kind: 'NetworkPolicy', metadata, spec };
}

/** Once so many policies are in force, and a moment longer: until connections have followed. */
async function enforced(t: ExecutionContext, agent: PolicyAgent, count: number): Promise<void> {
  const isSo = () => {
    const now = agent.status()?.policy;
    return now?.policies === count && now.inForce;
  };
  t.true(await eventually(isSo, 20_000, 100));
  await sleep(300 * patience);
}

const to = '10.65.0.2';
/** What the client hears and what the server hears, by TCP both ways, by TCP from the server alone, and by UDP. */
const TALKS = 'EeTUu';

async function startTalking(t: ExecutionContext, { client, server }: Awaited<ReturnType<typeof startHost>>) {
  const ends = new TalkingEnds(t);
  await ends.run(server, [
    { label: 'e', port: 8080 },
    { label: 't', port: 8081 },
    { label: 'u', port: 8082, udp: true },
  ]);
  await ends.run(
    client,
    [{ label: 'r', port: 9090 }],
    [
      { label: 'E', port: 8080, address: to },
      { label: 'T', port: 8081, address: to, mute: true },
      { label: 'U', port: 8082, address: to, udp: true },
    ],
  );
  // The other way: what the server may go on with.
  await ends.run(server, [], [{ label: 'R', port: 9090, address: '10.65.0.1' }]);
  t.true(await ends.allHear(`${TALKS}rR`), 'the connections are there');
  return ends;
}

for (const backend of backends) {
  test(`${backend}: what a policy denies is cut both ways for as long as it is denied, and goes on afterwards`, async t => {
    t.timeout(240_000);
    const world = await startHost(t, backend);
    const { agent, marked } = world;
    const ends = await startTalking(t, world);
    agent.write('policy', policy('closed', DENIED, true));
    await enforced(t, agent, 1);
    t.is(agent.status()?.policy?.backend?.toUpperCase(), backend.toUpperCase());
    t.deepEqual(await ends.within(3000, TALKS), nothing(TALKS), 'although every end goes on sending');
    t.is(await marked(), 3);
    t.true(await ends.allHear('rR'), 'what is not denied goes on');

    agent.write('second', policy('second', { selector: "app == 'w2'", types: ['Egress'] }));
    await enforced(t, agent, 2);
    t.true(await ends.allHear('rR'), 'a policy that does not ask for it cuts nothing');
    t.deepEqual(await ends.within(500, TALKS), nothing(TALKS), 'and lets nothing go on');
    agent.remove('second');
    await enforced(t, agent, 1);

    await agent.end('SIGKILL');
    t.deepEqual(await ends.within(500, TALKS), nothing(TALKS), 'without the agent');
    agent.start();
    await enforced(t, agent, 1);
    t.deepEqual(await ends.within(2000, TALKS), nothing(TALKS), 'under the next agent');
    t.is(await marked(), 3);

    agent.write('policy', policy('closed', OPEN, true));
    t.true(await ends.allHear(`${TALKS}rR`), 'allowed again');
    t.true(await eventually(async () => (await marked()) === 0));

    agent.write('policy', policy('closed', DENIED, true));
    t.true(await eventually(async () => (await marked()) === 3, 20_000, 100));
    await sleep(300 * patience);
    t.deepEqual(await ends.within(500, TALKS), nothing(TALKS), 'cut again');
    agent.write('policy', policy('closed', DENIED));
    t.true(await ends.allHear(`${TALKS}rR`), 'it does not ask for it any more');
    t.is(await marked(), 0);
  });

  test(`${backend}: with the host, from outside and by a translated address connections are cut both ways`, async t => {
    t.timeout(240_000);
    const world = await startHost(t, backend, { 'margay.io/flushOnDeny': 'true' });
    const { agent, host, outside, client, server, felix, marked } = world;
    const tool = `iptables-${backend.toLowerCase()}`;
    const nat = ['-t', 'nat', '-A', 'PREROUTING', '-i', 'eth0', '-p', 'tcp', '--dport', '80'];
    host.run(tool, ...nat, '-j', 'DNAT', '--to-destination', `${to}:8080`);
    const ends = new TalkingEnds(t);
    const both = (label: string, port: number) => [
      { label, port },
      { label: label.toUpperCase(), port, udp: true },
    ];
    await ends.run(host, both('a', 7000));
    await ends.run(server, both('b', 8080));
    const at = (address: string, of: ReturnType<typeof both>) => of.map(end => ({ ...end, address }));
    await ends.run(outside, both('c', 6000), [
      ...at(to, both('d', 8080)),
      { label: 'n', port: 80, address: '192.0.2.1' },
    ]);
    await ends.run(client, [], [...at('192.0.2.1', both('f', 7000)), ...at('192.0.2.9', both('g', 6000))]);
    const talks = 'aAbBcCdDnfFgG';
    t.true(await ends.allHear(talks), 'the connections are there');
    agent.write('in', policy('in', DENIED));
    agent.write('out', policy('out', { selector: "app == 'w1'", types: ['Egress'] }));
    await enforced(t, agent, 2);
    t.deepEqual(await ends.within(3000, talks), nothing(talks), 'although every end goes on sending');
    t.is(await marked(), 7);

    agent.write('in', policy('in', DENIED, false));
    t.true(await ends.allHear('bBdDn'), 'a policy may say no for itself');
    t.deepEqual(await ends.within(500, 'aAcCfFgG'), nothing('aAcCfFgG'));
    felix({});
    t.true(await ends.allHear(talks), 'it is not set any more');
    t.is(await marked(), 0);
  });
}

test('a connection that is denied now goes on under a policy that does not ask for more', async t => {
  t.timeout(120_000);
  const world = await startHost(t, 'NFT');
  const ends = await startTalking(t, world);
  world.agent.write('policy', policy('closed', DENIED));
  await enforced(t, world.agent, 1);
  t.true(await ends.allHear(TALKS));
});

for (const [what, type, ends] of [
  ['a policy that denies echo requests cuts a ping', 8, true],
  ['a policy that denies another type of ICMP leaves a ping alone', 3, false],
] as const) {
  test(what, async t => {
    t.timeout(120_000);
    const { agent, client, marked } = await startHost(t, 'NFT');
    const ping = (...words: readonly string[]) => client.run('bash', '-c', words.join(' '));
    const file = `${agent.directory}/ping`;
    t.teardown(() => client.run('bash', '-c', `kill $(cat ${file}.pid) || true`));
    ping(`ping -n -i 0.05 ${to} >${file} 2>&1 & echo $! >${file}.pid`);
    const answers = () => Number(client.run('bash', '-c', `grep -c 'bytes from' ${file} || true`));
    t.true(await eventually(() => answers() > 10, 10_000, 100));
    const ingress = [{ action: 'Deny', protocol: 'ICMP', icmp: { type } }, { action: 'Allow' }];
    agent.write('policy', policy('ping', { selector: "app == 'w2'", types: ['Ingress'], ingress }, true));
    await enforced(t, agent, 1);
    const before = answers();
    await sleep(1000);
    const more = answers() - before;
    t.is(await marked(), ends ? 1 : 0);
    if (ends) t.is(more, 0);
    else t.true(more > 3, `${more}`);
  });
}
