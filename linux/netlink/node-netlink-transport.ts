/**
 * SHELL: the second transport, on the package `node-netlink` where its addons could be built; what `koffi-transport.ts` does is checked
 * against it. Requests only: the package sends one message at a time and waits for its acknowledgement, has no socket options (so no
 * extended acknowledgements), no namespaces, and prints a warning per notification.
 */
import { Flag, MessageType } from './constants.js';
import { HEADER_LENGTH, type Message, MessageWriter, messages } from './message.js';
import type { NetlinkTransport, NetlinkTransportOptions, OpenNetlink } from './transport.js';

/** What of the package is used. */
interface NodeNetlink {
  open(options: { readonly family: bigint }): Promise<NodeNetlinkSocket>;
}

interface NodeNetlinkSocket {
  tryTalk(request: {
    readonly header: { readonly nlmsg_type: bigint; readonly nlmsg_flags: bigint };
    readonly payload: Buffer;
  }): Promise<{ readonly errorCode: number; readonly packets: readonly Packet[] }>;
  close(): Promise<void>;
}

interface Packet {
  readonly header: { readonly nlmsg_type: bigint; readonly nlmsg_flags: bigint };
  readonly payload: Buffer;
}

export type NodeNetlinkAvailability =
  | { readonly kind: 'available'; readonly open: OpenNetlink }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Whether the package is installed and its addons are built. */
export async function loadNodeNetlink(): Promise<NodeNetlinkAvailability> {
  // Not a literal: the package is optional, and compiles without it.
  const name = 'node-netlink';
  try {
    const { default: nodeNetlink } = (await import(name)) as { readonly default: NodeNetlink };
    // The addons are loaded at the first call, so it takes one to know.
    await (await nodeNetlink.open({ family: 0n })).close();
    return { kind: 'available', open: options => openTransport(nodeNetlink, options) };
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    return { kind: 'unavailable', reason: `node-netlink cannot be loaded: ${reason}` };
  }
}

function openTransport(nodeNetlink: NodeNetlink, options: NetlinkTransportOptions): NetlinkTransport {
  if (options.groups.length > 0 || options.networkNamespace !== undefined) {
    const error = new Error('node-netlink takes neither notifications nor namespaces');
    throw Object.assign(error, { code: 'ENOTSUP' });
  }
  const opened = nodeNetlink.open({ family: 0n });
  let over = false;
  const fail = (error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!over) options.failed({ code: typeof code === 'string' ? code : '', message });
    over = true;
  };
  const talk = async (datagram: Uint8Array) => {
    const socket = await opened;
    for (const message of messages(datagram)) {
      const answer = await askOne(socket, message);
      if (!over && answer.length > 0) options.received(answer);
    }
  };
  return {
    send: bytes => void talk(bytes.slice()).catch(fail),
    port: 0,
    ignoreSender: () => {},
    close: () => {
      over = true;
      void opened.then(socket => socket.close()).catch(() => {});
    },
  };
}

/** The package numbers requests itself: its answers are put back under the number that was asked with. */
async function askOne(socket: NodeNetlinkSocket, message: Message): Promise<Uint8Array> {
  const { type, flags, sequence, bytes, start, end } = message;
  const { errorCode, packets } = await socket.tryTalk({
    header: { nlmsg_type: BigInt(type), nlmsg_flags: BigInt(flags | Flag.ack) },
    payload: Buffer.from(bytes.subarray(start, end)),
  });
  const writer = new MessageWriter();
  for (const { header, payload } of packets) {
    writer.begin(Number(header.nlmsg_type), Number(header.nlmsg_flags), sequence).raw(payload).end();
  }
  const dump = (flags & Flag.dump) === Flag.dump && errorCode === 0;
  if (dump) writer.begin(MessageType.done, Flag.multi, sequence).u32(0).end();
  else if (errorCode !== 0 || (flags & Flag.ack) !== 0) {
    writer.begin(MessageType.error, 0, sequence).u32(-errorCode >>> 0);
    // The request's header comes back with an error.
    writer.raw(bytes.subarray(start - HEADER_LENGTH, start)).end();
  }
  return writer.finish().slice();
}
