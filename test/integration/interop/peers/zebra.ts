/** FRR's zebra, which writes bgpd's routes to the kernel of its namespace. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, type Place } from '../../../../bench/daemons/processes.js';
import type { Daemons } from '../../../../bench/daemons/programs.js';

export interface Zebra {
  readonly child: ChildProcess;
  /** What bgpd is told by `-z`. */
  readonly socket: string;
}

/**
 * It wants to run as a member of the group frrvty, which only an installed FRR has: `ip netns exec` gives it mounts of its own, where
 * a copy of /etc/group has it.
 */
export function startZebra(place: Place, daemons: Daemons): Zebra {
  const file = (name: string) => join(place.directory, name);
  writeFileSync(file('zebra.conf'), '\n');
  writeFileSync(file('group'), `${readFileSync('/etc/group', 'utf8')}frrvty:x:2147483:root\n`);
  const socket = file('zserv.api');
  const files = ['-f', file('zebra.conf'), '-i', file('zebra.pid'), '-z', socket];
  // What one before it left in the kernel stays until bgpd has had the time to confirm it.
  const keeps = ['-K', '60'];
  const where = ['-u', 'root', '-g', 'root', '--vty_socket', place.directory, '-P', '0'];
  const { command, args, env } = daemons.launch('frr', 'zebra', [...files, ...keeps, ...where]);
  const script = 'mount --bind group /etc/group && exec "$@"';
  const child = launch(place, { command: 'sh', args: ['-c', script, 'sh', command, ...args], env }, 'quiet');
  return { child, socket };
}
