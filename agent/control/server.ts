/** SHELL: serves the control API on a unix socket. Decides nothing: `requests.ts` parses, the backend answers. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type ControlBackend, ControlFailure } from './backend.js';
import { type IpamRequest, parseAssign, parseRelease } from './ipam-requests.js';
import {
  type CheckTunnelsRequest,
  type ControlRequest,
  type MetricsRequest,
  type MrtRequest,
  parseRequest,
  type RoutesRequest,
  type WatchRequest,
} from './requests.js';
import { claimSocket, releaseSocket } from './socket-claim.js';
import {
  type ApplyRequest,
  type ClearPeerRequest,
  CONTROL_API_VERSION,
  NDJSON,
  type PeerView,
} from './types.js';

const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** A watched view is sent again at most this often. */
const WATCH_INTERVAL_MS = 250;

export interface ControlServer {
  /** Ends open streams and removes the socket. */
  close(): Promise<void>;
}

/** Rejects with {@link SocketTakenError} if a live agent has the socket, or with the system's error. */
export async function startControlServer(
  socketPath: string,
  backend: ControlBackend,
  onError: (error: unknown) => void,
): Promise<ControlServer> {
  const ending = new AbortController();
  const server = createServer((request, response) => {
    void answer(backend, request, response, ending.signal).catch(onError);
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  await claimSocket(server, socketPath);
  return { close: () => closeServer(server, socketPath, ending) };
}

async function closeServer(server: Server, socketPath: string, ending: AbortController): Promise<void> {
  ending.abort();
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), 200).unref();
  await closed;
  await releaseSocket(socketPath);
}

async function answer(
  backend: ControlBackend,
  request: IncomingMessage,
  response: ServerResponse,
  ending: AbortSignal,
): Promise<void> {
  response.setHeader('margay-api', CONTROL_API_VERSION);
  try {
    const wanted = parseRequest(request.method ?? 'GET', request.url ?? '/');
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, ending]);
    if (wanted.kind === 'watch') return await watch(backend, wanted, response, signal);
    if (wanted.kind === 'check-tunnels') {
      return await streamLines(backend.checkTunnels(wanted.node, signal), response, signal);
    }
    if (wanted.kind === 'mrt') {
      const pieces = wanted.what === 'table' ? backend.dumpTable() : backend.recordSessions(signal);
      return await streamBytes(pieces, response, signal);
    }
    if (wanted.kind === 'metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(await backend.metrics());
      return;
    }
    if (wanted.kind === 'routes' && request.headers.accept?.includes(NDJSON)) {
      return await streamRoutes(backend, wanted, response, signal);
    }
    sendJson(response, 200, await perform(backend, wanted, request));
  } catch (error) {
    if (response.headersSent) return void response.destroy();
    if (error instanceof ControlFailure) return sendJson(response, error.status, error.problem);
    sendJson(response, 500, { error: error instanceof Error ? error.message : String(error) });
  }
}

async function perform(
  backend: ControlBackend,
  wanted: Exclude<ControlRequest, WatchRequest | CheckTunnelsRequest | MrtRequest | MetricsRequest>,
  request: IncomingMessage,
): Promise<unknown> {
  switch (wanted.kind) {
    case 'hello':
      return backend.hello();
    case 'status':
      return backend.status();
    case 'peers':
      return { peers: await backend.peers() };
    case 'bfd':
      return await backend.bfd();
    case 'hosts':
      return await backend.hosts();
    case 'delete-host': {
      const { force } = ((await readBody(request)) ?? {}) as { readonly force?: unknown };
      return await backend.deleteHost(wanted.node, force === true);
    }
    case 'peer':
      return await findPeer(backend, wanted.peer);
    case 'peer-enable': {
      const peer = await findPeer(backend, wanted.peer);
      if (!backend.setPeerEnabled(peer, wanted.enabled)) throw noPeer(wanted.peer, []);
      return { peer: peer.key, enabled: wanted.enabled };
    }
    case 'peer-shutdown': {
      const { message } = parsePeerAction(await readBody(request));
      const peer = await findPeer(backend, wanted.peer);
      if (!backend.shutdownPeer(peer, message)) throw noPeer(wanted.peer, []);
      return { peer: peer.key, enabled: false };
    }
    case 'peer-clear': {
      const { how, message } = parsePeerAction(await readBody(request));
      const peer = await findPeer(backend, wanted.peer);
      return { peer: peer.key, detail: backend.clearPeer(peer, how, message) };
    }
    case 'routes':
      return await backend.routes(await routesQuery(backend, wanted, wanted.after));
    case 'list-resources':
      return await backend.listResources(wanted.resourceKind);
    case 'get-resource':
      return await backend.getResource(wanted.id);
    case 'delete-resource':
      await backend.deleteResource(wanted.id);
      return { deleted: true };
    case 'apply':
      return await backend.apply(parseApply(await readBody(request)));
    case 'explain':
      return await backend.explain(wanted.query);
    case 'policy':
      return await backend.policyOf(wanted.endpoint);
    case 'topology':
      return wanted.explain === undefined ? await backend.topology() : backend.topologyOf(wanted.explain);
    case 'ipam-show':
    case 'ipam-addresses':
    case 'ipam-check':
    case 'ipam-address':
    case 'ipam-assign':
    case 'ipam-release':
      return await performIpam(backend, wanted, request);
    case 'shutdown':
      backend.shutdown();
      return { goodbye: true };
  }
}

// ---------------------------------------------------------------- address management

async function performIpam(
  backend: ControlBackend,
  wanted: IpamRequest,
  request: IncomingMessage,
): Promise<unknown> {
  const ipam = backend.ipam();
  switch (wanted.kind) {
    case 'ipam-show':
      return await ipam.show();
    case 'ipam-addresses':
      return await ipam.addresses();
    case 'ipam-check':
      return await ipam.check();
    case 'ipam-address':
      return await ipam.address(wanted.address);
    case 'ipam-assign':
      return await ipam.assign(parseAssign(await readBody(request)));
    case 'ipam-release':
      return { results: await ipam.release(parseRelease(await readBody(request)).releases) };
  }
}

// ---------------------------------------------------------------- peers and routes

async function findPeer(backend: ControlBackend, text: string): Promise<PeerView> {
  const peers = await backend.peers();
  const found =
    peers.find(peer => peer.key === text) ??
    peers.find(peer => peer.address === text) ??
    peers.find(peer => peer.name === text);
  if (found === undefined) throw noPeer(text, peers);
  return found;
}

function noPeer(text: string, peers: readonly PeerView[]): ControlFailure {
  const allowed =
    peers.length === 0
      ? '(there are no peers)'
      : peers
          .slice(0, 10)
          .map(peer => peer.address)
          .join(', ');
  return new ControlFailure(404, { error: `no peer "${text}"`, field: 'peer', value: text, allowed });
}

async function routesQuery(backend: ControlBackend, wanted: RoutesRequest, after: string | undefined) {
  const { peer, ...query } = wanted.query;
  return {
    ...query,
    ...(peer === undefined ? {} : { peer: (await findPeer(backend, peer)).key }),
    ...(after === undefined ? {} : { after }),
    limit: wanted.limit,
  };
}

async function streamRoutes(
  backend: ControlBackend,
  wanted: RoutesRequest,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  let query = await routesQuery(backend, wanted, wanted.after);
  let page = await backend.routes(query);
  response.setHeader('content-type', NDJSON);
  for (;;) {
    if (page.routes.length > 0) {
      await write(response, `${page.routes.map(route => JSON.stringify(route)).join('\n')}\n`, signal);
    }
    if (page.next === null || signal.aborted) break;
    query = { ...query, after: page.next };
    page = await backend.routes(query);
  }
  response.end();
}

/** Each as soon as it is there; an error before the first one is an answer of its own. */
async function streamLines(
  lines: AsyncIterable<unknown>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  response.setHeader('content-type', NDJSON);
  for await (const line of lines) {
    if (signal.aborted) break;
    await write(response, `${JSON.stringify(line)}\n`, signal);
  }
  response.end();
}

async function streamBytes(
  pieces: AsyncIterable<Uint8Array>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  response.setHeader('content-type', 'application/octet-stream');
  // Whoever waits for what peers will say must know that he is heard.
  response.flushHeaders();
  for await (const piece of pieces) {
    if (signal.aborted) break;
    await write(response, piece, signal);
  }
  response.end();
}

// ---------------------------------------------------------------- watch

async function watch(
  backend: ControlBackend,
  wanted: WatchRequest,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  let wake: () => void = () => {};
  let changed = true;
  const notify = () => {
    changed = true;
    wake();
  };
  const unsubscribe = backend.subscribe(wanted.topic, notify);
  signal.addEventListener('abort', () => wake(), { once: true });
  try {
    response.setHeader('content-type', NDJSON);
    let last = '';
    while (!signal.aborted) {
      if (!changed) await new Promise<void>(resolve => (wake = resolve));
      if (signal.aborted) break;
      changed = false;
      const line = JSON.stringify(await view(backend, wanted));
      if (line !== last) await write(response, `${line}\n`, signal);
      last = line;
      await pause(WATCH_INTERVAL_MS, signal);
    }
  } finally {
    unsubscribe();
    response.end();
  }
}

async function view(backend: ControlBackend, wanted: WatchRequest): Promise<unknown> {
  switch (wanted.topic) {
    case 'status':
      return backend.status();
    case 'peers':
      return { peers: await backend.peers() };
    case 'bfd':
      return await backend.bfd();
    case 'hosts':
      return await backend.hosts();
    case 'topology':
      return await backend.topology();
    case 'resources':
      return await backend.listResources(wanted.resourceKind);
    case 'routes':
      return await backend.routes(await routesQuery(backend, wanted.routes, undefined));
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}

// ---------------------------------------------------------------- bytes

/** Resolves when the socket wants more, so that a slow reader costs one page of memory. */
async function write(
  response: ServerResponse,
  text: string | Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  if (response.write(text) || signal.aborted) return;
  await new Promise<void>(resolve => {
    const done = () => {
      response.removeListener('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done);
  });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) {
      const allowed = `${MAX_BODY_BYTES} bytes`;
      throw new ControlFailure(413, {
        error: 'the request is too large',
        field: 'body',
        value: `${length}+ bytes`,
        allowed,
      });
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new ControlFailure(400, {
      error: 'the request body is not JSON',
      field: 'body',
      allowed: 'a JSON object',
    });
  }
}

const waysToClear = ['hard', 'soft-in', 'soft-out'] as const;

/** What `shutdown` has no use for it does not look at. */
function parsePeerAction(body: unknown): ClearPeerRequest {
  const { how = 'hard', message = '' } = (body ?? {}) as Partial<ClearPeerRequest>;
  if (typeof message !== 'string') {
    const value = JSON.stringify(message);
    throw new ControlFailure(400, {
      error: 'the message is no text',
      field: 'message',
      value,
      allowed: 'a string',
    });
  }
  if (!waysToClear.includes(how)) {
    const [value, allowed] = [JSON.stringify(how), waysToClear.join(', ')];
    throw new ControlFailure(400, { error: 'no such way to clear a peer', field: 'how', value, allowed });
  }
  return { how, message };
}

function parseApply(body: unknown): ApplyRequest {
  const { documents, dryRun } = (body ?? {}) as Partial<ApplyRequest>;
  if (!Array.isArray(documents)) {
    const allowed = '[{"location": TEXT, "document": OBJECT}, ...]';
    throw new ControlFailure(400, { error: 'documents are missing', field: 'documents', allowed });
  }
  return {
    documents: documents.map((entry: { location?: unknown; document?: unknown } | null, i) => ({
      location: String(entry?.location ?? `document ${i + 1}`),
      document: entry?.document,
    })),
    dryRun: dryRun === true,
  };
}
