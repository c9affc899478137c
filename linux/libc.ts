/**
 * SHELL: the only door to foreign calls: libc through koffi. Nothing here may block: a thread that sits in a foreign call cannot be
 * ended. Numbers are those of Linux's generic ABI (x86-64, arm64); the headers are named where they are used.
 */
import { constants } from 'node:os';
import koffi from 'koffi';

const libc = koffi.load(null);

/** linux/filter.h: how long a classic BPF program is, and where. */
const sockFprog = koffi.struct('sock_fprog', { len: 'uint16_t', filter: 'void *' });
const attachFilter = libc.func('int setsockopt(int, int, int, sock_fprog *, uint32_t)');

/** linux/if.h, struct ifreq: an interface's name and a pointer to what is asked of it; as long as its longest union. */
const ifreq = koffi.struct('ifreq', {
  name: koffi.array('uint8_t', 16),
  data: 'void *',
  rest: koffi.array('uint8_t', 16),
});
/**
 * Variadic in C. On Linux a pointer is passed the same either way: x86-64 wants a number of vector registers in AL besides, of which
 * ioctl uses none, and AAPCS64 puts variadic arguments where named ones go (that they go on the stack is Apple's arm64 alone).
 */
const ioctlOfInterface = libc.func('ioctl', 'int', ['int', 'unsigned long', koffi.pointer(ifreq)]);

/** spawn.h. The two opaque structures are given room for what glibc and musl take. */
const posixSpawnp = libc.func('posix_spawnp', 'int', [
  koffi.pointer('void'),
  'str',
  koffi.pointer('void'),
  koffi.pointer('void'),
  koffi.pointer('char *'),
  koffi.pointer('char *'),
]);

const call = {
  socket: libc.func('int socket(int, int, int)'),
  bind: libc.func('int bind(int, void *, uint32_t)'),
  connect: libc.func('int connect(int, void *, uint32_t)'),
  listen: libc.func('int listen(int, int)'),
  getsockname: libc.func('int getsockname(int, void *, void *)'),
  setsockopt: libc.func('int setsockopt(int, int, int, void *, uint32_t)'),
  send: libc.func('long send(int, void *, size_t, int)'),
  sendto: libc.func('long sendto(int, void *, size_t, int, void *, uint32_t)'),
  recv: libc.func('long recv(int, void *, size_t, int)'),
  recvfrom: libc.func('long recvfrom(int, void *, size_t, int, void *, void *)'),
  read: libc.func('long read(int, void *, size_t)'),
  write: libc.func('long write(int, void *, size_t)'),
  getsockopt: libc.func('int getsockopt(int, int, int, void *, void *)'),
  // As above, variadic in C.
  ioctl: libc.func('int ioctl(int, unsigned long, void *)'),
  socketpair: libc.func('int socketpair(int, int, int, void *)'),
  dup2: libc.func('int dup2(int, int)'),
  close: libc.func('int close(int)'),
  setns: libc.func('int setns(int, int)'),
  flock: libc.func('int flock(int, int)'),
  waitpid: libc.func('int waitpid(int, void *, int)'),
} as const;

/** These return an error's number. */
const spawn = {
  initActions: libc.func('int posix_spawn_file_actions_init(void *)'),
  addDup2: libc.func('int posix_spawn_file_actions_adddup2(void *, int, int)'),
  destroyActions: libc.func('int posix_spawn_file_actions_destroy(void *)'),
  initAttributes: libc.func('int posix_spawnattr_init(void *)'),
  setFlags: libc.func('int posix_spawnattr_setflags(void *, short)'),
  setDefaultSignals: libc.func('int posix_spawnattr_setsigdefault(void *, void *)'),
  setSignalMask: libc.func('int posix_spawnattr_setsigmask(void *, void *)'),
  destroyAttributes: libc.func('int posix_spawnattr_destroy(void *)'),
} as const;

/** A failed call. `code` is the symbolic name, as in Node's own errors: "EADDRINUSE". */
export class SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    const code = errnoName(errno);
    super(`${syscall}: ${code}`);
    this.name = 'SystemError';
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** "ENOENT" for 2; "errno 999" for one that Node does not know. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** The call's result where it is not negative. */
function checked(syscall: keyof typeof call, ...parameters: unknown[]): number {
  const result = Number(call[syscall](...parameters));
  // errno must be read at once: the next call of anything may change it.
  if (result < 0) throw new SystemError(syscall, koffi.errno());
  return result;
}

export const SocketDomain = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
export const SocketType = { stream: 1, datagram: 2, raw: 3, nonblock: 0o4000, cloexec: 0o2000000 } as const;

/** socket(2). @throws SystemError */
export function socket(domain: number, type: number, protocol = 0): number {
  return checked('socket', domain, type | SocketType.cloexec, protocol);
}

/** bind(2). @throws SystemError */
export function bind(fd: number, address: Uint8Array): void {
  checked('bind', fd, address, address.length);
}

/** connect(2) of a non-blocking socket: true if it is under way, false if it is done. @throws SystemError */
export function connect(fd: number, address: Uint8Array): boolean {
  if (Number(call.connect(fd, address, address.length)) === 0) return false;
  const errno = koffi.errno();
  if (errno === constants.errno.EINPROGRESS) return true;
  throw new SystemError('connect', errno);
}

/** listen(2). @throws SystemError */
export function listen(fd: number, backlog: number): void {
  checked('listen', fd, backlog);
}

/** setsockopt(2) with an int. @throws SystemError */
export function setIntOption(fd: number, level: number, option: number, value: number): void {
  checked('setsockopt', fd, level, option, new Uint8Array(Int32Array.of(value).buffer), 4);
}

/** setsockopt(2) with a structure. @throws SystemError */
export function setOption(fd: number, level: number, option: number, value: Uint8Array): void {
  checked('setsockopt', fd, level, option, value, value.length);
}

/** getsockopt(2) of an int. @throws SystemError */
export function getIntOption(fd: number, level: number, option: number): number {
  const value = new Int32Array(1);
  const length = new Uint8Array(Uint32Array.of(4).buffer);
  checked('getsockopt', fd, level, option, new Uint8Array(value.buffer), length);
  return value[0]!;
}

/** setsockopt(2) with anything else. @throws SystemError */
export function setBytesOption(fd: number, level: number, option: number, value: Uint8Array): void {
  checked('setsockopt', fd, level, option, value, value.length);
}

/** getsockopt(2) of as many 32-bit numbers as the kernel knows, `most` at most. @throws SystemError */
export function getUint32Options(fd: number, level: number, option: number, most: number): Uint32Array {
  const values = new Uint32Array(most);
  const length = Uint32Array.of(values.byteLength);
  const [into, lengthBytes] = [new Uint8Array(values.buffer), new Uint8Array(length.buffer)];
  checked('getsockopt', fd, level, option, into, lengthBytes);
  return values.subarray(0, length[0]! / 4);
}

/** getsockopt(2) of a structure that says what is asked for, and is filled. Its length must be what the kernel expects. @throws SystemError */
export function fillOption(fd: number, level: number, option: number, structure: Uint8Array): void {
  checked(
    'getsockopt',
    fd,
    level,
    option,
    structure,
    new Uint8Array(Uint32Array.of(structure.length).buffer),
  );
}

/** ioctl(2); the argument is a structure that the call reads or fills, or a number. @throws SystemError */
export function controlDevice(fd: number, request: number, argument: Uint8Array | number): void {
  checked('ioctl', fd, request, argument);
}

/** One instruction of a classic BPF program (struct sock_filter): code, jump if true, jump if false, operand. */
export type FilterInstruction = readonly [code: number, jt: number, jf: number, k: number];

/** SO_ATTACH_FILTER: takes the place of the program that was there. @throws SystemError */
export function setSocketFilter(fd: number, program: readonly FilterInstruction[]): void {
  const [SOL_SOCKET, SO_ATTACH_FILTER] = [1, 26];
  const bytes = new Uint8Array(8 * program.length);
  const view = new DataView(bytes.buffer);
  for (const [i, [code, jt, jf, k]] of program.entries()) {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, jt);
    view.setUint8(8 * i + 3, jf);
    view.setUint32(8 * i + 4, k, true);
  }
  const descriptor = { len: program.length, filter: bytes };
  const result = Number(attachFilter(fd, SOL_SOCKET, SO_ATTACH_FILTER, descriptor, koffi.sizeof(sockFprog)));
  if (result < 0) throw new SystemError('setsockopt', koffi.errno());
}

/** SO_DETACH_FILTER: takes the program away, if there is one. @throws SystemError */
export function clearSocketFilter(fd: number): void {
  const [SOL_SOCKET, SO_DETACH_FILTER] = [1, 27];
  const nothing = new Uint8Array(4);
  if (Number(call.setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, nothing, nothing.length)) === 0) return;
  const errno = koffi.errno();
  if (errno !== constants.errno.ENOENT) throw new SystemError('setsockopt', errno);
}

/**
 * ioctl(2) on an interface, by its name; the kernel reads `data`, and writes its answer there.
 *
 * @throws SystemError, ENODEV where there is no such interface; RangeError for what cannot be a name
 */
export function interfaceRequest(fd: number, request: number, name: string, data: Uint8Array): void {
  const octets = new TextEncoder().encode(name);
  if (octets.length === 0 || octets.length > 15)
    throw new RangeError(`interface name "${name}": 1 to 15 octets are allowed`);
  const padded = new Uint8Array(16);
  padded.set(octets);
  const result = Number(ioctlOfInterface(fd, request, { name: padded, data, rest: new Uint8Array(16) }));
  if (result < 0) throw new SystemError('ioctl', koffi.errno());
}

/** getsockname(2) into as many bytes as are wanted. @throws SystemError */
export function socketName(fd: number, length: number): Uint8Array {
  const address = new Uint8Array(length);
  checked('getsockname', fd, address, new Uint8Array(Uint32Array.of(length).buffer));
  return address;
}

/** send(2): bytes sent. @throws SystemError */
export function send(fd: number, bytes: Uint8Array, length = bytes.length): number {
  return checked('send', fd, bytes, length, 0);
}

/** sendto(2): bytes sent. @throws SystemError */
export function sendto(fd: number, bytes: Uint8Array, address: Uint8Array): number {
  return checked('sendto', fd, bytes, bytes.length, 0, address, address.length);
}

/** recv(2) with MSG_DONTWAIT: bytes received, or undefined if there is nothing now. @throws SystemError */
export function receive(fd: number, into: Uint8Array): number | undefined {
  const length = Number(call.recv(fd, into, into.length, MSG_DONTWAIT));
  if (length >= 0) return length;
  const errno = koffi.errno();
  if (errno === constants.errno.EAGAIN || errno === constants.errno.EINTR) return undefined;
  throw new SystemError('recv', errno);
}

/*
 * A packet at a time, as fast as it goes: nothing is made, nothing is thrown. Each returns the length, or the negative errno.
 */

/** Hot path: read(2). */
export function readPacket(fd: number, into: Uint8Array): number {
  const length = Number(call.read(fd, into, into.length));
  return length >= 0 ? length : -koffi.errno();
}

/** Hot path: write(2) of the first `length` bytes. */
export function writePacket(fd: number, bytes: Uint8Array, length: number): number {
  const written = Number(call.write(fd, bytes, length));
  return written >= 0 ? written : -koffi.errno();
}

/** Hot path: sendto(2) of the first `length` bytes, with MSG_DONTWAIT. */
export function sendPacket(fd: number, bytes: Uint8Array, length: number, address: Uint8Array): number {
  const sent = Number(call.sendto(fd, bytes, length, MSG_DONTWAIT, address, address.length));
  return sent >= 0 ? sent : -koffi.errno();
}

/** Hot path: recvfrom(2) with MSG_DONTWAIT. @param sender takes the sender's address: 16 bytes for IPv4 */
export function receivePacket(fd: number, into: Uint8Array, sender: Uint8Array): number {
  senderLength[0] = sender.length;
  const length = Number(call.recvfrom(fd, into, into.length, MSG_DONTWAIT, sender, senderLengthBytes));
  return length >= 0 ? length : -koffi.errno();
}

const MSG_DONTWAIT = 0x40;
const senderLength = new Uint32Array(1);
const senderLengthBytes = new Uint8Array(senderLength.buffer);

/** socketpair(2). @throws SystemError */
export function socketPair(domain: number, type: number): readonly [number, number] {
  const pair = new Int32Array(2);
  checked('socketpair', domain, type | SocketType.cloexec, 0, new Uint8Array(pair.buffer));
  return [pair[0]!, pair[1]!];
}

/** dup2(2). @throws SystemError */
export function duplicateTo(fd: number, target: number): void {
  checked('dup2', fd, target);
}

/** close(2); errors are of no use to anyone. */
export function close(fd: number): void {
  call.close(fd);
}

/** setns(2) with CLONE_NEWNET, for this thread. @throws SystemError */
export function setNetworkNamespace(fd: number): void {
  const CLONE_NEWNET = 0x40000000;
  checked('setns', fd, CLONE_NEWNET);
}

/** flock(2) LOCK_EX | LOCK_NB: false if another holds it. @throws SystemError */
export function lockExclusively(fd: number): boolean {
  const LOCK_EX_NB = 2 | 4;
  if (Number(call.flock(fd, LOCK_EX_NB)) === 0) return true;
  const errno = koffi.errno();
  if (errno === constants.errno.EWOULDBLOCK || errno === constants.errno.EINTR) return false;
  throw new SystemError('flock', errno);
}

/** flock(2) LOCK_UN. @throws SystemError */
export function unlock(fd: number): void {
  const LOCK_UN = 8;
  checked('flock', fd, LOCK_UN);
}

const SPAWN_STRUCTURE_BYTES = 1024;
const SIGNAL_SET_BYTES = 128;

/**
 * posix_spawnp(3): the child has these descriptors as its first, and none of ours that closes on exec; no signal is ignored or blocked in it.
 * This thread waits until the program has been loaded, which libc sees to without copying the process. Whoever calls it reaps the child
 * ({@link reapChild}).
 *
 * @returns its number
 * @throws SystemError, ENOENT where there is no such program
 */
export function spawnProgram(
  command: readonly string[],
  environment: readonly string[],
  descriptors: readonly number[],
): number {
  const [POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK] = [4, 8];
  const actions = new Uint8Array(SPAWN_STRUCTURE_BYTES);
  const attributes = new Uint8Array(SPAWN_STRUCTURE_BYTES);
  const pid = new Int32Array(1);
  spawn.initActions(actions);
  spawn.initAttributes(attributes);
  try {
    for (const [target, fd] of descriptors.entries()) spawn.addDup2(actions, fd, target);
    spawn.setFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    spawn.setDefaultSignals(attributes, new Uint8Array(SIGNAL_SET_BYTES).fill(0xff));
    spawn.setSignalMask(attributes, new Uint8Array(SIGNAL_SET_BYTES));
    const into = new Uint8Array(pid.buffer);
    const words = [...command, null];
    const errno = posixSpawnp(into, command[0], actions, attributes, words, [...environment, null]);
    if (errno !== 0) throw new SystemError('posix_spawnp', errno);
    return pid[0]!;
  } finally {
    spawn.destroyActions(actions);
    spawn.destroyAttributes(attributes);
  }
}

/** How a child ended: its exit status, or the number of the signal that ended it. */
export type ChildEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: number };

/** waitpid(2) with WNOHANG; undefined: it has not ended yet. @throws SystemError, ECHILD where it is no child of ours */
export function reapChild(pid: number): ChildEnd | undefined {
  const WNOHANG = 1;
  const status = new Int32Array(1);
  if (checked('waitpid', pid, new Uint8Array(status.buffer), WNOHANG) === 0) return undefined;
  const signal = status[0]! & 0x7f;
  return signal === 0 ? { kind: 'exited', status: (status[0]! >> 8) & 0xff } : { kind: 'killed', signal };
}
