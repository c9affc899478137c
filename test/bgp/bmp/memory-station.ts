/** A monitoring station on a network in memory: takes what it is sent apart, slowly and obviously. */

import type { Family } from '../../../bgp/family.js';
import type { Connection } from '../../../bgp/speaker/transport.js';
import type { MemoryNetwork } from '../../../bgp/testing/index.js';
import { decodeUpdate, type Update } from '../../../bgp/wire/index.js';
import { addressFromBytes, type IpAddress } from '../../../core/ip-address.js';

export interface BmpMessage {
  readonly type: number;
  readonly body: Uint8Array;
}

const PEER_HEADER = 42;
/** The L flag. */
const POST_POLICY = 0x40;

export class MemoryStation {
  readonly connections: Connection[] = [];
  readonly #bytes: number[] = [];
  readonly #stop: () => void;

  constructor(network: MemoryNetwork, address: string, port: number) {
    const host = network.host(address as IpAddress);
    this.#stop = host.listen(
      { address: address as IpAddress, port },
      {
        listening: () => {},
        failed: () => {},
        accepted: connection => {
          this.connections.push(connection);
          this.#bytes.length = 0;
          connection.start({
            received: (buffer, start, end) => this.#bytes.push(...buffer.subarray(start, end)),
            drained: () => {},
            closed: () => {},
          });
        },
      },
    );
  }

  /** Of the latest connection. @throws on another version, or if the last message is cut off */
  get messages(): BmpMessage[] {
    const bytes = Uint8Array.from(this.#bytes);
    const view = new DataView(bytes.buffer);
    const messages: BmpMessage[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + view.getUint32(at + 1);
      if (bytes[at] !== 3 || end > bytes.length) throw new Error(`no BMP message at ${at}`);
      messages.push({ type: bytes[at + 5]!, body: bytes.slice(at + 6, end) });
      at = end;
    }
    return messages;
  }

  get types(): number[] {
    return this.messages.map(({ type }) => type);
  }

  /** What the peers have, if one goes by what was told of it before policy, or after: by peer, its prefixes. */
  tables(which: 'pre-policy' | 'post-policy' = 'pre-policy'): Map<string, string[]> {
    const tables = new Map<string, Set<string>>();
    for (const { type, body } of this.messages) {
      const peer = addressFromBytes('ipv4', body.subarray(22, 26));
      if (type === 3) tables.set(peer, new Set());
      if (type === 2) tables.delete(peer);
      if (type !== 0) continue;
      const table = tables.get(peer);
      if (table === undefined) throw new Error(`routes of ${peer}, which is not up`);
      if (((body[1]! & POST_POLICY) !== 0) !== (which === 'post-policy')) continue;
      const update = updateIn(body);
      for (const prefix of update.withdrawn) table.delete(prefix);
      for (const prefix of update.announced) table.add(prefix);
    }
    return new Map([...tables].map(([peer, prefixes]) => [peer, [...prefixes].sort()]));
  }

  close(): void {
    this.#stop();
    for (const connection of this.connections) connection.destroy();
  }
}

/** @param addPath families whose NLRI have path identifiers */
export function updateIn(body: Uint8Array, addPath: readonly Family[] = []): Update {
  const fourOctetAs = (body[1]! & 0x20) === 0;
  return decodeUpdate(body, PEER_HEADER, body.length, { fourOctetAs, ibgp: true, addPath });
}
