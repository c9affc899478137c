/**
 * SHELL: reads of any pollable descriptor on Node's event loop, by public API only. libuv takes a stream descriptor, so one end of a
 * socket pair is wrapped in a `net.Socket` and the descriptor is put under it with dup2. One read is one packet where the descriptor
 * knows packets. Nothing is ever written through the stream: whoever writes does it straight to the kernel, so nothing can pile up.
 */
import net from 'node:net';
import { close, duplicateTo, SocketDomain, SocketType, socketPair } from './libc.js';

export interface DescriptorStreamOptions {
  /** Bytes that one read takes at most. */
  readonly readBuffer: number;
  /** What one read gave; the bytes are valid during the call. */
  readonly received: (bytes: Uint8Array) => void;
  /** A read failed, or there is nothing more to read: the descriptor is closed. Not called after `close`. */
  readonly failed: (error: { readonly code: string; readonly message: string }) => void;
}

export interface DescriptorStream {
  /** For calls on the descriptor itself; valid until it is closed. */
  readonly fd: number;
  readonly closed: boolean;
  close(): void;
}

/** Takes over `descriptor`, which must be non-blocking, and closes it in the end. @throws SystemError */
export function openDescriptorStream(descriptor: number, options: DescriptorStreamOptions): DescriptorStream {
  const [wrapped, other] = streamPair(descriptor);
  const stream = new net.Socket({
    fd: wrapped,
    readable: true,
    writable: true,
    manualStart: true,
    onread: {
      buffer: new Uint8Array(options.readBuffer),
      callback: (length: number, buffer: Uint8Array) => {
        options.received(buffer.subarray(0, length));
        return true;
      },
    },
  } as net.SocketConstructorOpts);
  duplicateTo(descriptor, wrapped);
  close(descriptor);
  close(other);
  let over = false;
  let failure = { code: '', message: 'the descriptor was closed' };
  stream.on('error', (error: NodeJS.ErrnoException) => {
    failure = { code: error.code ?? '', message: error.message };
  });
  stream.on('close', () => {
    if (!over) options.failed(failure);
    over = true;
  });
  stream.resume();
  return {
    fd: wrapped,
    get closed() {
      return over || stream.destroyed;
    },
    close: () => {
      over = true;
      stream.destroy();
    },
  };
}

function streamPair(descriptor: number): readonly [number, number] {
  try {
    return socketPair(SocketDomain.unix, SocketType.stream | SocketType.nonblock);
  } catch (error) {
    close(descriptor);
    throw error;
  }
}
