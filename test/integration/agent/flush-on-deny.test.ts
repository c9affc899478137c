/** The whole agent with policy: what becomes of connections that go on when a policy denies them. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { patience } from '../../../demo/patience.js';
import { eventually } from '../../support/eventually.js';
import { join as connect, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { PolicyAgent } from './policy-agent.js';

const PORT = 8080;
/** Prints what it takes, and sends nothing. */
const SERVER = `require('net').createServer(s => s.on('error', () => {}).pipe(process.stdout, { end: false })).listen(${PORT})`;
const CLIENT = `
  const s = require('net').connect(${PORT}, '10.65.0.2');
  s.on('connect', () => setInterval(() => s.write('x'), 10));
  s.on('error', () => process.exit(1));`;

/** Runs a program of node in a namespace, and counts what it prints. */
function runIn(t: ExecutionContext, namespace: NetworkNamespace, program: string): () => number {
  const child = spawn('ip', ['netns', 'exec', namespace.name, process.execPath, '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let count = 0;
  child.stdout.on('data', chunk => {
    count += chunk.length;
  });
  return () => count;
}

/** An agent, and two workloads that are really there. */
function startHost(t: ExecutionContext) {
  const host = makeNamespace(t);
  host.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  const [client, server] = [1, 2].map(number => {
    const workload = makeNamespace(t);
    connect(host, `cali${number}`, workload, 'eth0');
    host.run('sysctl', '-qw', `net.ipv4.conf.cali${number}.proxy_arp=1`);
    workload.ip(`addr add 10.65.0.${number}/32 dev eth0`);
    workload.ip('route add default dev eth0');
    return workload;
  });
  const agent = new PolicyAgent(t, host);
  agent.start();
  return { agent, client: client!, server: server! };
}

for (const [flushes, words] of [
  ['true', 'is cut by a policy that asks for it'],
  ['false', 'goes on under a policy that does not ask for more'],
] as const) {
  test(`a connection by which a client sends to a workload, and which is denied now, ${words}`, async t => {
    t.timeout(120_000);
    const { agent, client, server } = startHost(t);
    const routes = () => agent.host.ip('route show proto 157');
    t.true(
      await eventually(() => routes().includes('cali1') && routes().includes('cali2'), 20_000, 100),
      routes(),
    );
    const taken = runIn(t, server, SERVER);
    await eventually(() => server.run('ss', '-ltnH').includes(`:${PORT}`));
    runIn(t, client, CLIENT);
    t.true(await eventually(() => taken() > 20, 10_000), 'the connection is there');
    agent.write('policy', {
      apiVersion: 'projectcalico.org/v3',
      kind: 'NetworkPolicy',
      metadata: {
        name: 'closed',
        namespace: 'default',
        annotations: { 'margay.io/flushOnDeny': flushes },
      },
      spec: { selector: "app == 'w2'", types: ['Ingress'] },
    });
    const isEnforced = () => {
      const policy = agent.status()?.policy;
      return policy?.policies === 1 && policy.inForce;
    };
    t.true(await eventually(isEnforced, 20_000, 100));
    await sleep(300 * patience);
    const before = taken();
    await sleep(500);
    const more = taken() - before;
    t.log(`${before} octets before, ${more} in half a second afterwards`);
    if (flushes === 'true') t.is(more, 0);
    else t.true(more > 10, `${more}`);
  });
}
