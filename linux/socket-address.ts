/** `struct sockaddr_in`, `sockaddr_in6` and `sockaddr_un` as bytes (netinet/in.h, linux/un.h). Pure. */
import { addressFamily, addressToBytes, type IpAddress } from '../core/ip-address.js';
import { SocketDomain } from './libc.js';

/** @param port 0 to 65535 */
export function internetAddress(address: IpAddress, port: number): Uint8Array {
  const ipv4 = addressFamily(address) === 'ipv4';
  const bytes = new Uint8Array(ipv4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ipv4 ? SocketDomain.inet : SocketDomain.inet6, true);
  view.setUint16(2, port);
  bytes.set(addressToBytes(address), ipv4 ? 4 : 8);
  return bytes;
}

/** A leading "@" is an address in the abstract namespace, as systemd writes it. */
export function unixAddress(path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  const abstract = path.startsWith('@');
  if (abstract) name[0] = 0;
  const bytes = new Uint8Array(2 + name.length + (abstract ? 0 : 1));
  new DataView(bytes.buffer).setUint16(0, SocketDomain.unix, true);
  bytes.set(name, 2);
  return bytes;
}
