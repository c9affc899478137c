/**
 * SHELL: requests and dumps on one netlink socket, one at a time, in order. A batch goes out as one datagram with an acknowledgement
 * on its last message only: what failed answers by its sequence number, what did not answer has been done.
 */
import { Flag, MessageType as Type } from './constants.js';
import { type ErrorMessage, type Message, MessageWriter, messages, parseError } from './message.js';
import type { NetlinkTransport, OpenNetlink } from './transport.js';

/** The kernel's refusal of one request. */
export interface KernelRefusal {
  /** Positive, as in errno.h. */
  readonly errno: number;
  /** The kernel's own words (extended acknowledgement), "" if it had none. */
  readonly text: string;
}

export interface Request {
  readonly type: number;
  /** NLM_F_CREATE, ..., without NLM_F_REQUEST and NLM_F_ACK. */
  readonly flags: number;
  write(writer: MessageWriter): void;
}

/** Messages that go out together. `write` puts message `index` between `writer.begin(type, NLM_F_REQUEST | ..., sequence)` and `end()`. */
export interface RequestBatch {
  readonly count: number;
  write(writer: MessageWriter, index: number, sequence: number): void;
}

/** A dump that was interrupted by changes is repeated this often before it is taken as it is. */
const DUMP_ATTEMPTS = 5;
const LAST_FIRST_SEQUENCE = 0xf0000000;

type Job =
  | {
      readonly kind: 'batch';
      readonly batch: RequestBatch;
      readonly done: (refusals: ReadonlyMap<number, KernelRefusal>) => void;
      readonly failed: (error: Error) => void;
    }
  | {
      readonly kind: 'dump';
      readonly request: Request;
      readonly each: (message: Message) => void;
      readonly done: (interrupted: boolean) => void;
      readonly failed: (error: Error) => void;
    };

export class NetlinkConnection {
  readonly #open: OpenNetlink;
  readonly #networkNamespace: string | undefined;
  readonly #opened: ((port: number) => void) | undefined;
  readonly #writer = new MessageWriter();
  readonly #queue: Job[] = [];
  #transport: NetlinkTransport | undefined;
  #current: Job | undefined;
  #nextSequence = 1;
  #firstSequence = 0;
  #lastSequence = 0;
  #refusals = new Map<number, KernelRefusal>();
  #interrupted = false;
  #closed = false;

  /** @param opened told of each socket's port: the first request opens one, and the next one after a failure another */
  constructor(open: OpenNetlink, networkNamespace?: string, opened?: (port: number) => void) {
    this.#open = open;
    this.#networkNamespace = networkNamespace;
    this.#opened = opened;
  }

  /**
   * Sends all messages at once; resolves with the refused ones by their index. The kernel works through them while
   * `send` runs (about 4 us a route), so callers cut long lists into batches of a few hundred.
   *
   * @throws if the socket fails; what the kernel has done of the batch is then unknown
   */
  batch(batch: RequestBatch): Promise<ReadonlyMap<number, KernelRefusal>> {
    if (batch.count === 0) return Promise.resolve(new Map());
    return new Promise((done, failed) => this.#enqueue({ kind: 'batch', batch, done, failed }));
  }

  /**
   * Calls back with every message of a dump. One that the kernel marks as interrupted is repeated from the beginning: `begin` is
   * called before each attempt.
   *
   * @throws on a refusal or if the socket fails
   */
  async dump(request: Request, begin: () => void, each: (message: Message) => void): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      begin();
      const interrupted = await new Promise<boolean>((done, failed) =>
        this.#enqueue({ kind: 'dump', request, each, done, failed }),
      );
      if (!interrupted || attempt === DUMP_ATTEMPTS) return;
    }
  }

  close(): void {
    this.#closed = true;
    this.#transport?.close();
    this.#fail(new Error('the netlink connection was closed'));
  }

  #enqueue(job: Job): void {
    if (this.#closed) {
      job.failed(new Error('the netlink connection was closed'));
      return;
    }
    this.#queue.push(job);
    if (this.#current === undefined) this.#next();
  }

  #next(): void {
    const job = this.#queue.shift();
    this.#current = job;
    if (job === undefined) return;
    try {
      this.#send(job);
    } catch (error) {
      this.#finish(() => job.failed(error as Error));
    }
  }

  #send(job: Job): void {
    const writer = this.#writer;
    writer.reset();
    // 32 bits, and a batch never wraps inside.
    if (this.#nextSequence > LAST_FIRST_SEQUENCE) this.#nextSequence = 1;
    this.#firstSequence = this.#nextSequence;
    this.#refusals = new Map();
    this.#interrupted = false;
    if (job.kind === 'batch') {
      for (let i = 0; i < job.batch.count; i++) job.batch.write(writer, i, this.#nextSequence++);
    } else {
      const { request } = job;
      writer.begin(request.type, request.flags | Flag.request | Flag.dump, this.#nextSequence++);
      request.write(writer);
      writer.end();
    }
    this.#lastSequence = this.#nextSequence - 1;
    if (job.kind === 'batch') writer.addFlags(Flag.ack);
    this.#transport ??= this.#openTransport();
    this.#transport.send(writer.finish());
  }

  #openTransport(): NetlinkTransport {
    const transport = this.#open({
      groups: [],
      networkNamespace: this.#networkNamespace,
      received: datagram => this.#received(datagram),
      failed: ({ code, message }) => {
        if (this.#transport === transport) this.#transport = undefined;
        this.#fail(new Error(`netlink: ${code === '' ? message : code}`));
      },
    });
    this.#opened?.(transport.port);
    return transport;
  }

  #received(datagram: Uint8Array): void {
    for (const message of messages(datagram)) {
      const job = this.#current;
      // Answers to a job that failed may still come.
      if (
        job === undefined ||
        message.sequence < this.#firstSequence ||
        message.sequence > this.#lastSequence
      )
        continue;
      if (job.kind === 'batch') this.#batchAnswer(job, message);
      else this.#dumpAnswer(job, message);
    }
  }

  #batchAnswer(job: Job & { kind: 'batch' }, message: Message): void {
    if (message.type !== Type.error) return;
    const { errno, text, sequence } = parseError(message);
    if (errno !== 0) this.#refusals.set(sequence - this.#firstSequence, { errno, text });
    if (sequence === this.#lastSequence) {
      const refusals = this.#refusals;
      this.#finish(() => job.done(refusals));
    }
  }

  #dumpAnswer(job: Job & { kind: 'dump' }, message: Message): void {
    if ((message.flags & Flag.dumpInterrupted) !== 0) this.#interrupted = true;
    if (message.type !== Type.error && message.type !== Type.done) {
      job.each(message);
      return;
    }
    const error = parseError(message);
    const interrupted = this.#interrupted;
    this.#finish(() => (error.errno === 0 ? job.done(interrupted) : job.failed(new DumpRefusedError(error))));
  }

  #finish(tell: () => void): void {
    this.#current = undefined;
    tell();
    if (this.#current === undefined) this.#next();
  }

  #fail(error: Error): void {
    const jobs = [...(this.#current === undefined ? [] : [this.#current]), ...this.#queue];
    this.#current = undefined;
    this.#queue.length = 0;
    for (const job of jobs) job.failed(error);
  }
}

/** The kernel refused a dump. */
export class DumpRefusedError extends Error {
  /** Positive, as in errno.h. */
  readonly errno: number;

  constructor({ errno, text }: ErrorMessage) {
    super(`netlink: errno ${errno}${text === '' ? '' : `: ${text}`}`);
    this.errno = errno;
  }
}
