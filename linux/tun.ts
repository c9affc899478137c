/**
 * SHELL: a layer-3 TUN device (Documentation/networking/tuntap.rst): IP packets as they are, one a read, one a write. The device is
 * persistent: it stays, with its addresses and with the routes on it, when the process that serves it ends in whatever way.
 */
import { closeSync, constants as fileConstants, openSync, readFileSync, readlinkSync } from 'node:fs';
import { openDescriptorStream } from './descriptor-stream.js';
import { controlDevice, readPacket, SystemError, writePacket } from './libc.js';
import { findProcess } from './process-files.js';

/** linux/if_tun.h */
const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
/** struct ifreq: the name (IFNAMSIZ bytes), then a union, here of the flags. */
const IFREQ_LENGTH = 40;
const IFNAMSIZ = 16;

const DEVICE_NODE = '/dev/net/tun';
const LONGEST_PACKET = 65535;

export interface TunOptions {
  /** 1 to 15 bytes. A persistent TUN device of that name is taken over; without one, one is made. */
  readonly name: string;
  /** A packet that the kernel has routed into the device; valid during the call. More may be waiting: see `read`. */
  readonly received: (packet: Uint8Array) => void;
  /** The device was deleted, or cannot be read any more. */
  readonly failed: (error: { readonly code: string; readonly message: string }) => void;
}

export interface TunDevice {
  /** The next packet that is waiting: its length, or a negative errno (EAGAIN: none). */
  read(into: Uint8Array): number;
  /** Gives the kernel a packet: its length, or a negative errno (EIO: the device is down; EBADFD: it was deleted). */
  write(packet: Uint8Array, length: number): number;
  /** The device stays. */
  close(): void;
}

/** No TUN device can be had; the message says why, and what to do. */
export class TunError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'TunError';
    this.code = code;
  }
}

/** @throws TunError */
export function openTun({ name, received, failed }: TunOptions): TunDevice {
  const fd = attach(name);
  const stream = openDescriptorStream(fd, { readBuffer: LONGEST_PACKET, received, failed });
  return {
    // A descriptor that has been closed may be another file's by now.
    read: into => (stream.closed ? -EBADFD : readPacket(stream.fd, into)),
    write: (packet, length) => (stream.closed ? -EBADFD : writePacket(stream.fd, packet, length)),
    close: () => stream.close(),
  };
}

/** asm-generic/errno.h; Node has no name for it. */
const EBADFD = 77;

/** Whether TUN devices can be had here. @throws TunError */
export function checkTun(): void {
  closeSync(openNode());
}

/**
 * Takes a TUN device away that was made persistent; false if there is none of that name.
 *
 * @throws TunError, e.g. EBUSY while a process serves it
 */
export function removePersistentTun(name: string): boolean {
  if (!deviceNames().includes(name)) return false;
  const fd = openNode();
  try {
    setInterface(fd, name);
    controlDevice(fd, TUNSETPERSIST, 0);
    return true;
  } finally {
    closeSync(fd);
  }
}

function attach(name: string): number {
  const fd = openNode();
  try {
    setInterface(fd, name);
    controlDevice(fd, TUNSETPERSIST, 1);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openNode(): number {
  try {
    return openSync(DEVICE_NODE, fileConstants.O_RDWR | fileConstants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'is not there: load the kernel module tun ("modprobe tun"), or give the container the device',
      ENODEV: 'has no driver: load the kernel module tun ("modprobe tun")',
      ENXIO: 'has no driver: load the kernel module tun ("modprobe tun")',
      EACCES:
        'may not be opened: it takes root, and the device in the DeviceAllow of the unit or the container',
      EPERM:
        'may not be opened: it takes root, and the device in the DeviceAllow of the unit or the container',
    };
    throw new TunError(code, `${DEVICE_NODE} ${reasons[code] ?? `cannot be opened: ${code}`}`);
  }
}

/** @throws TunError */
function setInterface(fd: number, name: string): void {
  const request = new Uint8Array(IFREQ_LENGTH);
  const bytes = new TextEncoder().encode(name);
  if (bytes.length === 0 || bytes.length >= IFNAMSIZ) {
    throw new TunError('EINVAL', `${JSON.stringify(name)} is not a device name of 1 to 15 bytes`);
  }
  request.set(bytes);
  new DataView(request.buffer).setUint16(IFNAMSIZ, IFF_TUN | IFF_NO_PI, true);
  try {
    controlDevice(fd, TUNSETIFF, request);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new TunError(error.code, refusalWords(error.code, name));
  }
}

function refusalWords(code: string, name: string): string {
  switch (code) {
    case 'EBUSY': {
      const here = readlinkSync('/proc/thread-self/ns/net');
      const holder = findProcess(
        (directory, fd) =>
          servesDevice(`${directory}/fdinfo/${fd}`, name) && readlinkSync(`${directory}/ns/net`) === here,
      );
      const who = holder === undefined ? 'another process' : `${holder.command} (pid ${holder.pid})`;
      return `${name} is served by ${who}`;
    }
    case 'EINVAL':
      return `${name} is there and is not a TUN device of our kind: delete it ("ip link delete ${name}")`;
    case 'EPERM':
      return `${name} may not be made or taken over: it takes CAP_NET_ADMIN`;
    default:
      return `${name} cannot be had: ${code}`;
  }
}

/** tun_chr_show_fdinfo: a line "iff:", a tab and the name. */
function servesDevice(path: string, name: string): boolean {
  return readFileSync(path, 'utf8').split('\n').includes(`iff:\t${name}`);
}

/** Of this network namespace. */
function deviceNames(): readonly string[] {
  return readFileSync('/proc/thread-self/net/dev', 'utf8')
    .split('\n')
    .slice(2)
    .map(line => line.slice(0, line.indexOf(':')).trim());
}
