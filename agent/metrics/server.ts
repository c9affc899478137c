/** SHELL: serves the metrics over HTTP where the configuration says so; `GET /metrics` and nothing else. */
import { createServer } from 'node:http';
import type { Endpoint } from '../config/setting-values.js';

export interface MetricsServer {
  close(): void;
}

/** @param problem told why it cannot listen, or undefined once it does; it is tried again every few seconds */
export function serveMetrics(
  { address, port }: Endpoint,
  text: () => Promise<string>,
  contentType: string,
  problem: (words: string | undefined) => void,
): MetricsServer {
  let retry: NodeJS.Timeout | undefined;
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('GET /metrics\n');
      return;
    }
    text().then(
      body => response.writeHead(200, { 'content-type': contentType }).end(body),
      (error: unknown) => response.writeHead(503, { 'content-type': 'text/plain' }).end(`${String(error)}\n`),
    );
  });
  const listen = () => server.listen({ host: address, port });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('listening', () => problem(undefined));
  server.on('error', error => {
    problem(error.message);
    retry = setTimeout(listen, RETRY_MS);
  });
  listen();
  return {
    close() {
      clearTimeout(retry);
      server.close();
      server.closeAllConnections();
    },
  };
}

const RETRY_MS = 5000;
