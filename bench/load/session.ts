/**
 * One BGP session of the generator: dials from its own local address, says OPEN and KEEPALIVE, hands on UPDATEs.
 *
 * A measuring device, not a speaker: it accepts any OPEN, keeps no hold timer of its own and never retries once it was
 * Established, so that a lost session is a failed measurement.
 */
import { connect, type Socket } from 'node:net';
import { encodeCease, encodeKeepalive, encodeOpen, HEADER_LENGTH, MessageType } from './encode.js';
import type { LoadPeer, LoadPlan } from './plan.js';

const READ_BYTES = 256 * 1024;
/** The longest message (RFC 8654) that a read may leave unfinished. */
const HEADROOM = 65536;
/** All sessions read into one buffer: a thousand of their own would be the bottleneck. In front of it, the rest of the last read. */
const memory = new ArrayBuffer(HEADROOM + READ_BYTES);
const buffer = Buffer.from(memory);
const nothing = Buffer.alloc(0);
const DIAL_RETRY_MS = 100;

export interface SessionListener {
  update(buffer: Buffer, start: number, end: number, nowMs: number): void;
  /** The session ended though nobody asked for it. */
  lost(reason: string): void;
}

export class LoadSession {
  /** Longest silence between reads that completed a message, and how many messages there were, since the last reset. */
  longestGapMs = 0;
  messages = 0;
  #lastMessageMs = 0;
  #socket: Socket | undefined;
  #state: 'dialling' | 'open-sent' | 'established' | 'closed' = 'dialling';
  #keepaliveTimer: NodeJS.Timeout | undefined;
  /** Bytes of a message that is not complete yet. */
  #rest = nothing;
  readonly #plan: LoadPlan;
  readonly #peer: LoadPeer;
  readonly #listener: SessionListener;

  constructor(plan: LoadPlan, peer: LoadPeer, listener: SessionListener) {
    this.#plan = plan;
    this.#peer = peer;
    this.#listener = listener;
  }

  get established(): boolean {
    return this.#state === 'established';
  }

  /** Dials until Established; a refusal or a loss before that is tried again. */
  establish(): Promise<void> {
    return new Promise(resolve => this.#dial(resolve));
  }

  #dial(established: () => void): void {
    this.#state = 'dialling';
    this.#rest = nothing;
    const socket = connect({
      host: this.#plan.remoteAddress,
      port: this.#plan.remotePort,
      localAddress: this.#peer.localAddress,
      noDelay: true,
      onread: {
        buffer: new Uint8Array(memory, HEADROOM, READ_BYTES),
        callback: length => {
          this.#receive(length, established);
          return true;
        },
      },
    });
    this.#socket = socket;
    socket.on('connect', () => {
      this.#state = 'open-sent';
      socket.write(encodeOpen(this.#peer, this.#plan.holdTimeSeconds));
    });
    socket.on('error', () => {});
    socket.on('close', () => this.#closed(established));
  }

  #closed(established: () => void): void {
    const was = this.#state;
    clearInterval(this.#keepaliveTimer);
    if (was === 'closed') return;
    if (was === 'established') {
      this.#state = 'closed';
      this.#listener.lost(`${this.#peer.localAddress}: the speaker ended the session`);
      return;
    }
    setTimeout(() => this.#dial(established), DIAL_RETRY_MS);
  }

  #receive(length: number, established: () => void): void {
    const now = performance.now();
    const end = HEADROOM + length;
    const begin = HEADROOM - this.#rest.length;
    this.#rest.copy(buffer, begin);
    let at = begin;
    while (end - at >= HEADER_LENGTH) {
      const next = at + buffer.readUInt16BE(at + 16);
      if (next > end) break;
      this.#message(at, next, now, established);
      at = next;
    }
    this.#rest = at === end ? nothing : Buffer.from(buffer.subarray(at, end));
    if (at > begin && this.#state === 'established') this.#noteGap(now);
  }

  #message(start: number, end: number, now: number, established: () => void): void {
    this.messages++;
    switch (buffer[start + 18]) {
      case MessageType.update:
        this.#listener.update(buffer, start, end, now);
        break;
      case MessageType.open:
        this.#socket?.write(encodeKeepalive());
        break;
      case MessageType.notification:
        if (this.#state === 'established') {
          const code = `${buffer[start + 19]}/${buffer[start + 20]}`;
          this.#state = 'closed';
          this.#listener.lost(`${this.#peer.localAddress}: NOTIFICATION ${code}`);
        }
        break;
      case MessageType.keepalive:
        if (this.#state === 'open-sent') this.#becomeEstablished(now, established);
        break;
    }
  }

  #becomeEstablished(now: number, established: () => void): void {
    this.#state = 'established';
    this.#lastMessageMs = now;
    const interval = (this.#plan.holdTimeSeconds * 1000) / 3;
    if (interval > 0) this.#keepaliveTimer = setInterval(() => this.#sendKeepalive(), interval);
    established();
  }

  /** In the middle of a large write a KEEPALIVE would only queue behind it: UPDATEs keep the session alive as well. */
  #sendKeepalive(): void {
    if (this.#socket?.writableLength === 0) this.#socket.write(encodeKeepalive());
  }

  #noteGap(now: number): void {
    if (now - this.#lastMessageMs > this.longestGapMs) this.longestGapMs = now - this.#lastMessageMs;
    this.#lastMessageMs = now;
  }

  /** Begins a new measurement of silence; the silence that lasts at this moment counts from now. */
  resetGaps(): void {
    this.longestGapMs = 0;
    this.messages = 0;
    this.#lastMessageMs = performance.now();
  }

  /** Closes the measurement: a silence that has not ended yet counts too. */
  closeGap(): void {
    if (this.#state === 'established') this.#noteGap(performance.now());
  }

  /** Resolves once the kernel has taken every byte. */
  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket!.write(bytes, error => (error ? reject(error) : resolve()));
    });
  }

  /** For churn: one small message, not waited for. */
  writeNow(bytes: Buffer): void {
    this.#socket!.write(bytes);
  }

  close(): void {
    const live = this.#state === 'established';
    this.#state = 'closed';
    clearInterval(this.#keepaliveTimer);
    if (live) this.#socket?.end(encodeCease());
    else this.#socket?.destroy();
  }
}
