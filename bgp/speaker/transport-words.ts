/** The operating system's connection errors, said so that a person knows where to look. */
import type { TransportError } from './transport.js';

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  EADDRNOTAVAIL: 'the local address is not on this host',
  EADDRINUSE: 'the address is in use',
  EACCES: 'permission denied',
  EPIPE: 'connection closed by peer',
  EMFILE: 'this process has too many files open',
  ENFILE: 'this host has too many files open',
};

export function transportWords(error: TransportError): string {
  return words[error.code] ?? error.message;
}

/** From what Node or a foreign call throws. */
export function transportError(error: unknown): TransportError {
  const { code, message } = error as NodeJS.ErrnoException;
  return { code: code ?? '', message: message ?? String(error) };
}
