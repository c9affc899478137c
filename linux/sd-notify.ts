/**
 * SHELL: the service manager's protocol (sd_notify(3)): one datagram of `KEY=VALUE` lines to the socket that NOTIFY_SOCKET names.
 * Without that variable nothing is sent.
 */
import { close, SocketDomain, SocketType, sendto, socket } from './libc.js';
import { unixAddress } from './socket-address.js';

export interface ServiceManager {
  /** Start-up is over; `pid` is the one to watch, also where a launcher was started. */
  ready(status: string): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  stopping(): void;
  watchdog(): void;
  /** How often `watchdog` must be called, milliseconds; undefined if nobody watches. */
  readonly watchdogIntervalMs: number | undefined;
  /** The last error, where the manager could not be reached. */
  readonly error: string | undefined;
}

export function serviceManager(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): ServiceManager {
  const path = env.NOTIFY_SOCKET;
  let error: string | undefined;
  const notify = (...lines: string[]) => {
    if (path === undefined || path === '') return;
    try {
      const fd = socket(SocketDomain.unix, SocketType.datagram | SocketType.nonblock);
      try {
        sendto(fd, new TextEncoder().encode(lines.join('\n')), unixAddress(path));
      } finally {
        close(fd);
      }
    } catch (failure) {
      error = (failure as Error).message;
    }
  };
  const oneLine = (text: string) => text.replaceAll('\n', ' ');
  return {
    ready: status => notify('READY=1', `MAINPID=${pid}`, `STATUS=${oneLine(status)}`),
    status: text => notify(`STATUS=${oneLine(text)}`),
    stopping: () => notify('STOPPING=1'),
    watchdog: () => notify('WATCHDOG=1'),
    watchdogIntervalMs: watchdogInterval(env, pid),
    get error() {
      return error;
    },
  };
}

/** A third of what the manager allows, so that one late turn costs nothing. */
function watchdogInterval(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const microseconds = Number(env.WATCHDOG_USEC);
  if (!(microseconds > 0)) return undefined;
  const watched = env.WATCHDOG_PID;
  if (watched !== undefined && Number(watched) !== pid) return undefined;
  return Math.max(1, microseconds / 3000);
}
