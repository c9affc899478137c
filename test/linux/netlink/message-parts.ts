/** Messages as written here beside messages as captured: headers and attributes, these in no order. */

import { Flag } from '../../../linux/netlink/constants.js';
import { eachAttribute, type Message, MessageWriter, messages } from '../../../linux/netlink/message.js';

export const only = (bytes: Uint8Array): Message => [...messages(bytes)][0]!;

export function written(type: number, write: (writer: MessageWriter) => void): Message {
  const writer = new MessageWriter(16).begin(type, Flag.request, 1);
  write(writer);
  writer.end();
  return only(writer.finish().slice());
}

export const hex = (bytes: Uint8Array, from: number, to: number) =>
  Buffer.from(bytes.subarray(from, to)).toString('hex');

/** "path=value" of every attribute in order of type, those of a link's kind one by one. */
export function attributes({ bytes, start, end }: Message, headerLength: number): readonly string[] {
  const found: string[] = [];
  const walk = (from: number, to: number, path: string) =>
    eachAttribute(bytes, from, to, (type, valueStart, valueEnd) => {
      const place = `${path}${type}`;
      if (headerLength === 16 && (place === '18' || place === '18.2'))
        walk(valueStart, valueEnd, `${place}.`);
      else found.push(`${place}=${hex(bytes, valueStart, valueEnd)}`);
    });
  walk(start + headerLength, end, '');
  return found.sort();
}

export const header = ({ bytes, start }: Message, length: number) => hex(bytes, start, start + length);
