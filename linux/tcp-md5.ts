/**
 * SHELL: TCP MD5 signatures (RFC 2385). A key belongs to a socket and to the addresses of the other end: a listener has one per peer or
 * range, of which the longest prefix counts, and what it accepts inherits that one; a connection has its own. A key may come, change and
 * go while a connection is up: what is still signed otherwise is dropped, and TCP sends it again.
 */
import { type Prefix, prefixAddress, prefixLength } from '../core/prefix.js';
import { SystemError, setOption } from './libc.js';
import { internetAddress } from './socket-address.js';

/** linux/tcp.h */
const IPPROTO_TCP = 6;
const TCP_MD5SIG_EXT = 32;
const TCP_MD5SIG_FLAG_PREFIX = 1;
const TCP_MD5SIG_MAXKEYLEN = 80;

/**
 * `struct tcp_md5sig` (linux/tcp.h):
 *
 *     0    struct sockaddr_storage   the other end's address, port 0
 *     128  u8 flags, u8 prefixlen, u16 keylen (0 removes), int ifindex
 *     136  u8 key[80]
 *
 * @throws RangeError for a password of no octets or more than 80; the message does not have it
 */
export function md5Signature(prefix: Prefix, password: string | undefined): Uint8Array {
  const key = new TextEncoder().encode(password ?? '');
  if (password !== undefined && (key.length === 0 || key.length > TCP_MD5SIG_MAXKEYLEN))
    throw new RangeError(`a password of ${key.length} octets: 1 to ${TCP_MD5SIG_MAXKEYLEN} are allowed`);
  const bytes = new Uint8Array(216);
  bytes.set(internetAddress(prefixAddress(prefix), 0));
  bytes[128] = TCP_MD5SIG_FLAG_PREFIX;
  bytes[129] = prefixLength(prefix);
  new DataView(bytes.buffer).setUint16(130, key.length, true);
  bytes.set(key, 136);
  return bytes;
}

/**
 * What the other end signs with if its address is inside the prefix; undefined: nothing.
 *
 * @throws SystemError: ENOMEM where a listener has as many keys as net.core.optmem_max allows (about 960 of 128 KiB)
 */
export function setPassword(fd: number, prefix: Prefix, password: string | undefined): void {
  try {
    setOption(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, md5Signature(prefix, password));
  } catch (error) {
    // There was none to remove.
    const absent = password === undefined && error instanceof SystemError && error.code === 'ENOENT';
    if (!absent) throw error;
  }
}
