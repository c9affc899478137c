/**
 * Passwords of sessions (RFC 2385): where a document says that one is to be found, and what is found there (pure). A Secret of the store
 * is one of the sources; files and environment variables are the host's, and somebody else reads them. One that cannot be had keeps its
 * sessions down.
 */
import type { PasswordReference, SecretResource } from '../../core/resources/resource.js';
import type { SessionOptions } from '../../core/resources/session-options.js';

export type PasswordSource =
  | { readonly kind: 'secret'; readonly name: string; readonly key: string }
  | HostPasswordSource;

/** What only this host has. */
export type HostPasswordSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment'; readonly name: string };

export type Password =
  | { readonly kind: 'found'; readonly text: string }
  /** In words that complete a sentence about the document; never with the password. */
  | { readonly kind: 'missing'; readonly problem: string };

/** tcp_md5sig of linux/tcp.h: TCP_MD5SIG_MAXKEYLEN. */
const LONGEST_BYTES = 80;

export function passwordSource(
  reference: PasswordReference | undefined,
  options: SessionOptions,
): PasswordSource | undefined {
  if (reference !== undefined) return { kind: 'secret', ...reference.secretKeyRef };
  if (options.passwordFile !== undefined) return { kind: 'file', path: options.passwordFile };
  return options.passwordEnv === undefined ? undefined : { kind: 'environment', name: options.passwordEnv };
}

export function hostSourceKey(source: HostPasswordSource): string {
  return source.kind === 'file' ? `file ${source.path}` : `environment ${source.name}`;
}

export class Passwords {
  readonly #secrets = new Map<string, SecretResource>();
  #host: ReadonlyMap<string, Password> = new Map();

  setSecret(name: string, secret: SecretResource | undefined): void {
    if (secret === undefined) this.#secrets.delete(name);
    else this.#secrets.set(name, secret);
  }

  /** By {@link hostSourceKey}. */
  setHost(found: ReadonlyMap<string, Password>): void {
    this.#host = found;
  }

  of(source: PasswordSource): Password {
    if (source.kind === 'secret') return this.#ofSecret(source.name, source.key);
    const unread = `${describeSource(source)} has not been read yet`;
    return this.#host.get(hostSourceKey(source)) ?? { kind: 'missing', problem: unread };
  }

  #ofSecret(name: string, key: string): Password {
    const secret = this.#secrets.get(name);
    if (secret === undefined) return { kind: 'missing', problem: `Secret/${name} does not exist` };
    const value = Object.hasOwn(secret.data, key) ? secret.data[key] : undefined;
    if (value === undefined) return { kind: 'missing', problem: `Secret/${name} has no key "${key}"` };
    return usablePassword(decodeBase64(value), `the key "${key}" of Secret/${name}`);
  }
}

/** As a key of TCP MD5. Its last line end is that of the editor or of `echo`. @param where it was found, for people */
export function usablePassword(written: string | undefined, where: string): Password {
  const text = written?.replace(/\r?\n$/, '');
  if (text === undefined) return { kind: 'missing', problem: `${where} is not UTF-8 text` };
  if (text === '') return { kind: 'missing', problem: `${where} is empty` };
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= LONGEST_BYTES) return { kind: 'found', text };
  return {
    kind: 'missing',
    problem: `${where} has ${bytes} bytes, and TCP MD5 takes ${LONGEST_BYTES} at most`,
  };
}

export function describeSource(source: PasswordSource): string {
  switch (source.kind) {
    case 'secret':
      return `the key "${source.key}" of Secret/${source.name}`;
    case 'file':
      return `the file ${source.path}`;
    case 'environment':
      return `the environment variable ${source.name}`;
  }
}

function decodeBase64(text: string): string | undefined {
  const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
