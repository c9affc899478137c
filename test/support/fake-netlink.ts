/** A netlink transport in memory: what is sent is kept, what is to be received is told by the test. */
import { MessageType } from '../../linux/netlink/constants.js';
import { type Message, MessageWriter, messages } from '../../linux/netlink/message.js';
import type { NetlinkTransportOptions, OpenNetlink } from '../../linux/netlink/transport.js';

export function fakeNetlink() {
  const opened: NetlinkTransportOptions[] = [];
  const sent: Message[][] = [];
  const ignored: number[] = [];
  let ports = 100;
  const open: OpenNetlink = options => {
    opened.push(options);
    return {
      send: bytes => void sent.push([...messages(bytes.slice())]),
      port: ports++,
      ignoreSender: port => ignored.push(port),
      close: () => {},
    };
  };
  return { open, opened, sent, ignored };
}

/** A datagram of messages with one word each. */
export function answer(
  ...parts: readonly { type: number; flags?: number; sequence: number; word?: number }[]
): Uint8Array {
  const writer = new MessageWriter();
  for (const { type, flags = 0, sequence, word = 0 } of parts) {
    writer
      .begin(type, flags, sequence)
      .u32(word >>> 0)
      .end();
  }
  return writer.finish();
}

/** For {@link answer}: a refusal, or with 0 an acknowledgement. */
export const error = (sequence: number, errno: number) => ({
  type: MessageType.error,
  sequence,
  word: -errno,
});
