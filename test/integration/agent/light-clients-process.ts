/**
 * Many route reflector clients in one process, each a speaker of the library with an address and a route of its own, who write down what
 * becomes of the others' routes: withdrawals on the wire, End-of-RIB, and what leaves the table. Its set-up is the first argument as JSON;
 * commands and answers go over Node's IPC channel; it ends with that channel.
 */
import { Bgp4mpSubtype, MrtType } from '../../../bgp/iana.js';
import { createSpeaker, type Speaker } from '../../../bgp/index.js';
import { decodeUpdate } from '../../../bgp/wire/index.js';
import { readRecords } from '../../bgp/mrt/mrt-reader.js';

export interface LightClientsSetup {
  readonly reflector: string;
  readonly asn: number;
  readonly clients: readonly { readonly address: string; readonly prefix: string }[];
}

export type LightClientsCommand =
  /** One of them has its route no more. */
  { readonly kind: 'withdraw'; readonly client: number } | { readonly kind: 'report' };

/** Times are milliseconds since the Unix epoch. */
export interface LightClientReport {
  readonly established: boolean;
  /** Of the reflector: what it has, and how much of that is stale, until when. */
  readonly routes: number;
  readonly stale: number;
  readonly staleDeadlineUnixMs: number | undefined;
  readonly withdrawnOnWire: readonly string[];
  readonly endOfRibsUnixMs: readonly number[];
  /** What left the table but its own. */
  readonly lost: readonly { readonly prefix: string; readonly atUnixMs: number }[];
}

const HEADER_LENGTH = 19;
const UPDATE = 2;
/** RFC 4724 section 2: an UPDATE that holds nothing. */
const END_OF_RIB_LENGTH = 23;
/** RFC 6396 section 4.4.3, IPv4: the microseconds of an extended timestamp, AS numbers, interface, family and addresses. */
const MESSAGE_AT = 4 + 8 + 2 + 2 + 8;

class LightClient {
  readonly #speaker: Speaker;
  readonly #prefix: string;
  readonly #withdrawnOnWire: string[] = [];
  readonly #endOfRibsUnixMs: number[] = [];
  readonly #lost: { prefix: string; atUnixMs: number }[] = [];

  constructor({ reflector, asn }: LightClientsSetup, address: string, prefix: string) {
    this.#prefix = prefix;
    this.#speaker = createSpeaker({ asn, routerId: address });
    this.#speaker.recordSessions(records => this.#heard(records));
    this.#speaker.announce(prefix);
    this.#speaker.addPeer({ address: reflector, asn, localAddress: address, connectRetrySeconds: 1 });
    void this.#follow();
  }

  withdraw(): void {
    this.#speaker.withdraw(this.#prefix);
  }

  get report(): LightClientReport {
    const { state, routes, staleDeadlineUnixMs } = this.#speaker.peers()[0]!;
    return {
      established: state === 'Established',
      routes: routes.received,
      stale: routes.stale,
      staleDeadlineUnixMs,
      withdrawnOnWire: this.#withdrawnOnWire,
      endOfRibsUnixMs: this.#endOfRibsUnixMs,
      lost: this.#lost,
    };
  }

  async #follow(): Promise<void> {
    for await (const batch of this.#speaker.bestRoutes()) {
      const atUnixMs = Date.now();
      for (const { prefix, nextHops } of batch) {
        if (nextHops.length === 0 && prefix !== this.#prefix) this.#lost.push({ prefix, atUnixMs });
      }
    }
  }

  #heard(records: Uint8Array): void {
    for (const { seconds, type, subtype, body } of readRecords(records)) {
      if (type !== MrtType.bgp4mpEt || subtype !== Bgp4mpSubtype.messageAs4) continue;
      if (body[MESSAGE_AT + HEADER_LENGTH - 1] !== UPDATE) continue;
      if (body.length - MESSAGE_AT === END_OF_RIB_LENGTH) {
        const microseconds = new DataView(body.buffer, body.byteOffset).getUint32(0);
        this.#endOfRibsUnixMs.push(seconds * 1000 + microseconds / 1000);
        continue;
      }
      const context = { fourOctetAs: true, ibgp: true };
      this.#withdrawnOnWire.push(...decodeUpdate(body, MESSAGE_AT, body.length, context).withdrawn);
    }
  }
}

const setup = JSON.parse(process.argv[2] ?? '') as LightClientsSetup;
const clients = setup.clients.map(({ address, prefix }) => new LightClient(setup, address, prefix));

process.on('message', (command: LightClientsCommand) => {
  if (command.kind === 'withdraw') clients[command.client]!.withdraw();
  process.send?.(clients.map(({ report }) => report));
});
process.on('disconnect', () => process.exit(0));
