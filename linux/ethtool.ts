/**
 * SHELL: a device's transmit checksum offload (linux/ethtool.h, the old commands, which every kernel has). A VXLAN device that leaves
 * checksums to the hardware below loses packets where that hardware fills in the inner ones wrongly.
 */
import { close, interfaceRequest, SocketDomain, SocketType, socket } from './libc.js';
import { insideNamespace } from './namespace.js';
import { readU32 } from './netlink/message.js';

/** linux/sockios.h */
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GTXCSUM = 0x16;
const ETHTOOL_STXCSUM = 0x17;

/**
 * Whether checksums of what leaves through the device are left to what is below it.
 *
 * @param networkNamespace as `/run/netns/X`; undefined: the process's own
 * @throws SystemError, ENODEV where there is no such device
 */
export function readTxChecksumOffload(name: string, networkNamespace?: string): boolean {
  return ask(name, ETHTOOL_GTXCSUM, 0, networkNamespace) !== 0;
}

/**
 * @param networkNamespace as `/run/netns/X`; undefined: the process's own
 * @throws SystemError, ENODEV where there is no such device, EOPNOTSUPP for one whose offload is as it is
 */
export function switchTxChecksumOffload(name: string, on: boolean, networkNamespace?: string): void {
  ask(name, ETHTOOL_STXCSUM, on ? 1 : 0, networkNamespace);
}

/** struct ethtool_value: command (32), data (32). */
function ask(name: string, command: number, data: number, networkNamespace: string | undefined): number {
  const open = () => socket(SocketDomain.inet, SocketType.datagram);
  const fd = networkNamespace === undefined ? open() : insideNamespace(networkNamespace, open);
  try {
    const value = new Uint8Array(Uint32Array.of(command, data).buffer);
    interfaceRequest(fd, SIOCETHTOOL, name, value);
    return readU32(value, 4);
  } finally {
    close(fd);
  }
}
