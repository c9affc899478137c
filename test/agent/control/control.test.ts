import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ControlFailure } from '../../../agent/control/backend.js';
import { ControlClient, ControlError } from '../../../agent/control/client.js';
import { parseRequest } from '../../../agent/control/requests.js';
import { startControlServer } from '../../../agent/control/server.js';
import { SocketTakenError } from '../../../agent/control/socket-claim.js';
import {
  CONTROL_API_VERSION,
  type PeersView,
  type RouteView,
  type TunnelCheckView,
} from '../../../agent/control/types.js';
import { eventually } from '../../support/eventually.js';
import {
  type FakeBackend,
  fakeBackend,
  peerStatus,
  routeView,
  topologyView,
  tunnelCheck,
} from './fake-backend.js';

const errors: unknown[] = [];

async function serve(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), 'mgy-control-'));
  const socketPath = join(directory, 'run', 'control.sock');
  const backend: FakeBackend = fakeBackend();
  const server = await startControlServer(socketPath, backend, error => errors.push(error));
  const client = new ControlClient(socketPath);
  t.teardown(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });
  return { directory, socketPath, backend, server, client };
}

const failure = async (t: ExecutionContext, promise: Promise<unknown>) =>
  (await t.throwsAsync(promise, { instanceOf: ControlError })) as ControlError;

test('the socket lies in a 0750 directory and is for owner and group', async t => {
  const { socketPath, client } = await serve(t);
  t.is(statSync(join(socketPath, '..')).mode & 0o777, 0o750);
  t.is(statSync(socketPath).mode & 0o777, 0o660);
  t.is((await client.hello()).pid, process.pid);
});

test('what is to be explained is asked for by name, and half a question is refused', async t => {
  const { client, backend } = await serve(t);
  const view = await client.explain({ from: 'shop/web', to: 'fd00::1', port: '443/tcp' });
  t.is(view.verdict, 'deny');
  t.deepEqual(backend.calls, ['explain {"from":"shop/web","to":"fd00::1","port":"443/tcp"}']);
  t.is((await client.policyOf('shop/web')).endpoint, 'shop/web');
  const wrong = [
    [{ from: '', to: 'x' }, 'from'],
    [{ from: 'x', to: '' }, 'to'],
    [{ from: 'x', to: 'y', port: '443' }, 'port'],
    [{ from: 'x', to: 'y', icmp: '256' }, 'icmp'],
    [{ from: 'x', to: 'y', port: '443/tcp', icmp: '8' }, 'icmp'],
  ] as const;
  for (const [query, field] of wrong) t.like((await failure(t, client.explain(query))).problem, { field });
});

test('BFD sessions, once and as a watch', async t => {
  const { client } = await serve(t);
  const view = await client.bfd();
  t.is(view.sessions[0]?.state, 'Up');
  const stop = new AbortController();
  for await (const watched of client.watchBfd(stop.signal)) {
    t.deepEqual(watched, view);
    stop.abort();
  }
});

test('peers by key, address and name; an unknown one is named with what there is', async t => {
  const { client, backend } = await serve(t);
  for (const name of ['Mesh_10_0_0_2', '10.0.0.2', 'host2']) {
    t.is((await client.peer(name)).key, 'Mesh_10_0_0_2');
  }
  await client.setPeerEnabled('host2', false);
  await client.shutdownPeer('10.0.0.2', 'moving racks');
  t.like(await client.clearPeer('host2', 'soft-in', ''), { peer: 'Mesh_10_0_0_2' });
  t.deepEqual(backend.calls, [
    'disable Mesh_10_0_0_2',
    'shutdown Mesh_10_0_0_2 moving racks',
    'clear Mesh_10_0_0_2 soft-in ',
  ]);
  const wrong = await failure(t, client.clearPeer('host2', 'gently' as never, ''));
  t.is(wrong.status, 400);
  t.like(wrong.problem, { field: 'how', value: '"gently"', allowed: 'hard, soft-in, soft-out' });
  const error = await failure(t, client.peer('10.0.0.9'));
  t.is(error.status, 404);
  t.like(error.problem, { field: 'peer', value: '10.0.0.9', allowed: '10.0.0.2' });
});

test('a large table is streamed page by page and arrives whole and in order', async t => {
  const { client, backend } = await serve(t);
  backend.routeList = Array.from({ length: 4321 }, (_, i) => routeView(`10.${i >> 8}.${i & 255}.0/24`));
  const received: RouteView[] = [];
  for await (const route of client.routes({ table: 'best' })) received.push(route);
  t.deepEqual(
    received.map(route => route.prefix),
    backend.routeList.map(route => route.prefix),
  );
  t.is(backend.calls.length, 5);
  const page = await client.routesPage({ table: 'best' }, { limit: 2 });
  t.is(page.next, '10.0.1.0/24');
});

test('wrong parameters are refused with field, value and what is allowed', async t => {
  const { client } = await serve(t);
  const refused = async (promise: Promise<unknown>) => {
    const { status, problem } = await failure(t, promise);
    return [status, problem?.field, problem?.value];
  };
  t.deepEqual(await refused(client.routesPage({ table: 'worst' as never }, {})), [400, 'table', 'worst']);
  t.deepEqual(await refused(client.routesPage({ table: 'received' }, {})), [400, 'peer', '']);
  t.deepEqual(await refused(client.routesPage({ table: 'best', prefix: '10.0.0.1/8' }, {})), [
    400,
    'prefix',
    '10.0.0.1/8',
  ]);
  t.deepEqual(await refused(client.routesPage({ table: 'best' }, { limit: 5000 })), [400, 'limit', '5000']);
  t.deepEqual(await refused(client.resources('Nodes' as never)), [400, 'kind', 'Nodes']);
  t.deepEqual(await refused(client.resource({ kind: 'Node', namespace: 'x', name: 'y' })), [
    400,
    'namespace',
    'x',
  ]);
  t.deepEqual(await refused(client.apply({} as never)), [400, 'documents', undefined]);
  const { status } = await failure(t, client.resource({ kind: 'Node', name: 'ghost' }));
  t.is(status, 404);
});

test('a name that is none is refused before anything is asked of the store', async t => {
  const { client, backend } = await serve(t);
  for (const name of ['x/y', '../../etc', 'a b', 'A', '']) {
    t.is((await failure(t, client.deleteResource({ kind: 'Node', name }))).kind, 'refused', name);
  }
  const endpoint = { kind: 'WorkloadEndpoint', namespace: 'A', name: 'x' } as const;
  t.like((await failure(t, client.deleteResource(endpoint))).problem, { field: 'namespace', value: 'A' });
  t.deepEqual(backend.calls, []);
  await client.deleteResource({ ...endpoint, namespace: 'a-b', name: 'x.y' });
  t.deepEqual(backend.calls, ['delete WorkloadEndpoint/a-b/x.y']);
});

test('a watch sends the view at once, again when it changed, not when it did not, and ends with the client', async t => {
  const { client, backend } = await serve(t);
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const view of client.watchPeers(stop.signal) as AsyncIterable<PeersView>) {
    seen.push(view.peers.length);
    if (seen.length === 1) {
      backend.change('peers');
      setTimeout(() => {
        backend.peerList = [...backend.peerList, peerStatus({ key: 'Mesh_10_0_0_3', address: '10.0.0.3' })];
        backend.change('peers');
        backend.change('peers');
      }, 300);
    } else stop.abort();
  }
  t.deepEqual(seen, [1, 2]);
  for (let i = 0; i < 40 && backend.subscribers() > 0; i++) await new Promise(done => setTimeout(done, 25));
  t.is(backend.subscribers(), 0);
});

test('a check is streamed as it comes, and ends with the client', async t => {
  const { client, backend } = await serve(t);
  backend.checkList = [
    tunnelCheck('host2'),
    tunnelCheck('host3', { small: 'silent', finding: 'host-silent' }),
  ];
  backend.checkHangs = true;
  const leaving = new AbortController();
  const seen: TunnelCheckView[] = [];
  for await (const line of client.checkTunnels(undefined, leaving.signal)) {
    seen.push(line);
    if (seen.length === 2) leaving.abort();
  }
  t.deepEqual(seen, backend.checkList);
  t.true(await eventually(() => backend.calls.includes('check ended')));
});

test('a check that is left before its first line is no failure, and ends, too', async t => {
  const { client, backend } = await serve(t);
  backend.checkHangs = true;
  const leaving = new AbortController();
  const lines = client.checkTunnels(undefined, leaving.signal)[Symbol.asyncIterator]();
  const first = lines.next();
  t.true(await eventually(() => backend.calls.includes('check all')));
  leaving.abort();
  t.true((await first).done);
  t.true(await eventually(() => backend.calls.includes('check ended')));
});

test('a check of one node; what cannot be checked is refused with what can', async t => {
  const { client, backend } = await serve(t);
  backend.checkList = [tunnelCheck('host2'), tunnelCheck('host3')];
  const check = async (node: string) => {
    const names: string[] = [];
    for await (const line of client.checkTunnels(node)) names.push(line.node);
    return names;
  };
  t.deepEqual(await check('host3'), ['host3']);
  const error = await failure(t, check('host4'));
  t.is(error.status, 404);
  t.like(error.problem, { field: 'node', value: 'host4', allowed: 'host2, host3' });
  t.throws(() => parseRequest('GET', '/v1/check/tunels'), { instanceOf: ControlFailure });
  t.throws(() => parseRequest('POST', '/v1/check/tunnels'), { instanceOf: ControlFailure });
});

test('a live agent keeps its socket and is named by pid; a dead one is replaced', async t => {
  const { socketPath, client, server } = await serve(t);
  const again = () => startControlServer(socketPath, fakeBackend(), error => errors.push(error));
  const taken = await t.throwsAsync(again(), { instanceOf: SocketTakenError });
  t.is(taken.pid, process.pid);
  t.is((await client.hello()).pid, process.pid);
  await server.close();
  // A socket file nobody listens on, as kill -9 leaves it.
  const dead = createServer();
  const path = `${socketPath}.dead`;
  await new Promise<void>(done => dead.listen(path, done));
  const { link, rename } = await import('node:fs/promises');
  await link(path, `${path}.kept`);
  await new Promise(done => dead.close(done));
  await rename(`${path}.kept`, socketPath);
  t.is((await failure(t, client.hello())).kind, 'not-reachable');
  const replaced = await again();
  t.is((await client.hello()).pid, process.pid);
  await replaced.close();
});

test('a plain file in the place of the socket is not removed', async t => {
  const { directory } = await serve(t);
  const path = join(directory, 'precious');
  writeFileSync(path, 'x');
  await t.throwsAsync(
    startControlServer(path, fakeBackend(), () => {}),
    { instanceOf: SocketTakenError },
  );
  t.true(statSync(path).isFile());
});

test('every request has a connection of its own: none is used again while the agent closes it', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'mgy-control-'));
  const socketPath = join(directory, 'control.sock');
  const headers = { 'margay-api': CONTROL_API_VERSION };
  const server = createHttpServer((_, response) => response.writeHead(200, headers).end('{}'));
  let connections = 0;
  server.on('connection', () => connections++);
  await new Promise<void>(resolve => server.listen(socketPath, resolve));
  t.teardown(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });
  const client = new ControlClient(socketPath);
  for (let i = 0; i < 3; i++) await client.hello();
  t.is(connections, 3);
});

test('the client tells "not running" from "another version"', async t => {
  const { directory } = await serve(t);
  t.is((await failure(t, new ControlClient(join(directory, 'nowhere')).status())).kind, 'not-reachable');
  const { createServer: http } = await import('node:http');
  const other = http((_request, response) => {
    response.setHeader('margay-api', 'v9');
    response.end('{}');
  });
  const path = join(directory, 'other');
  await new Promise<void>(done => other.listen(path, done));
  t.is((await failure(t, new ControlClient(path).status())).kind, 'version-mismatch');
  other.close();
});

test.after('the server met no error of its own', t => {
  t.deepEqual(errors, []);
});

test('hosts are told of and watched; one is deleted by its name, by force if that is said', async t => {
  const { client, backend } = await serve(t);
  t.deepEqual(
    (await client.hosts()).hosts.map(({ node }) => node),
    ['host1', 'host2'],
  );
  await client.deleteHost('host2', false);
  await client.deleteHost('host2', true);
  t.deepEqual(backend.calls, ['delete host host2', 'delete host host2 by force']);
  t.like((await failure(t, client.deleteHost('No Name', false))).problem, { field: 'node' });
  t.throws(() => parseRequest('POST', '/v1/hosts/a/promote'), { instanceOf: ControlFailure });
  const stop = new AbortController();
  for await (const view of client.watchHosts(stop.signal)) {
    t.is(view.hosts.length, 2);
    stop.abort();
  }
});

test('the topology is watched', async t => {
  const { client, backend } = await serve(t);
  const stop = new AbortController();
  const modes: string[] = [];
  for await (const { mode } of client.watchTopology(stop.signal)) {
    modes.push(mode);
    backend.topologyNow = topologyView({ mode: 'mesh' });
    backend.change('topology');
    if (mode === 'mesh') stop.abort();
  }
  t.deepEqual(modes, ['reflectors', 'mesh']);
});
