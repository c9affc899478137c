import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { bind, close, receive, SocketDomain, SocketType, socket } from '../../linux/libc.js';
import { serviceManager } from '../../linux/sd-notify.js';
import { unixAddress } from '../../linux/socket-address.js';

/** A service manager's end of the protocol. */
function manager(t: ExecutionContext, path: string): () => string | undefined {
  const fd = socket(SocketDomain.unix, SocketType.datagram | SocketType.nonblock);
  bind(fd, unixAddress(path));
  t.teardown(() => close(fd));
  const buffer = new Uint8Array(4096);
  return () => {
    const length = receive(fd, buffer);
    return length === undefined ? undefined : new TextDecoder().decode(buffer.subarray(0, length));
  };
}

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mgy-notify-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

test('each word is one datagram of KEY=VALUE lines', t => {
  const path = join(folder(t), 'notify');
  const read = manager(t, path);
  const service = serviceManager({ NOTIFY_SOCKET: path }, 4711);
  service.ready('3 peers');
  t.is(read(), 'READY=1\nMAINPID=4711\nSTATUS=3 peers');
  service.status('two\nlines');
  t.is(read(), 'STATUS=two lines');
  service.watchdog();
  t.is(read(), 'WATCHDOG=1');
  service.stopping();
  t.is(read(), 'STOPPING=1');
  t.is(service.error, undefined);
});

test('a socket in the abstract namespace is reached by its @ name', t => {
  const name = `@mgy-notify-${process.pid}`;
  const read = manager(t, name);
  serviceManager({ NOTIFY_SOCKET: name }, 1).watchdog();
  t.is(read(), 'WATCHDOG=1');
});

test('without a service manager nothing is sent and nothing fails', t => {
  const service = serviceManager({}, 1);
  service.ready('');
  t.is(service.error, undefined);
  t.is(service.watchdogIntervalMs, undefined);
});

test('a service manager that is gone is said, not thrown', t => {
  const service = serviceManager({ NOTIFY_SOCKET: join(folder(t), 'nobody') }, 1);
  service.ready('');
  t.regex(service.error ?? '', /ENOENT/);
});

test('the watchdog wants a word within a third of its time, and only of the process it watches', t => {
  t.is(serviceManager({ WATCHDOG_USEC: '30000000' }, 7).watchdogIntervalMs, 10_000);
  t.is(serviceManager({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 7).watchdogIntervalMs, 10_000);
  t.is(serviceManager({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, 7).watchdogIntervalMs, undefined);
  t.is(serviceManager({ WATCHDOG_USEC: '0' }, 7).watchdogIntervalMs, undefined);
  t.is(serviceManager({ WATCHDOG_USEC: 'soon' }, 7).watchdogIntervalMs, undefined);
});
