/** FRR's bfdd, with zebra, which tells it of interfaces. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askTerminal } from '../../../../bench/daemons/frr-terminal.js';
import { kill, launch } from '../../../../bench/daemons/processes.js';
import type { Daemons } from '../../../../bench/daemons/programs.js';
import { eventually } from '../../../support/eventually.js';
import { startZebra } from '../peers/zebra.js';
import type { BfdDaemon, BfdSetup } from './bfd-daemon.js';

function peerLine({ address, peer, interfaceName, multihop }: BfdSetup): string {
  const where = multihop ? 'multihop ' : '';
  const on = multihop ? '' : ` interface ${interfaceName}`;
  return `peer ${peer} ${where}local-address ${address}${on}`;
}

export function frrBfd(daemons: Daemons): BfdDaemon {
  return {
    name: 'frr',
    saysAdminDown: true,
    start: async setup => {
      const at = (name: string) => join(setup.directory, name);
      // What a killed one left would be taken for its successor's.
      for (const name of ['zserv.api', 'bfdd.vty', 'bfdd.ctl']) rmSync(at(name), { force: true });
      const zebra = startZebra(setup, daemons);
      await eventually(() => existsSync(zebra.socket));
      const timers = ['receive-interval 300', 'transmit-interval 300', 'detect-multiplier 3'];
      const lines = ['bfd', ` ${peerLine(setup)}`, ...timers.map(line => `  ${line}`)];
      writeFileSync(at('bfdd.conf'), `${lines.join('\n')}\n`);
      const files = ['-f', at('bfdd.conf'), '-i', at('bfdd.pid'), '-z', zebra.socket];
      const where = ['-u', 'root', '-g', 'root', '--vty_socket', setup.directory, '-P', '0'];
      const { command, args, env } = daemons.launch('frr', 'bfdd', [
        ...files,
        ...where,
        '--bfdctl',
        at('bfdd.ctl'),
      ]);
      const script = 'mount --bind group /etc/group && exec "$@"';
      const child = launch(
        setup,
        { command: 'sh', args: ['-c', script, 'sh', command, ...args], env },
        'quiet',
      );
      const terminal = at('bfdd.vty');
      await eventually(() => askTerminal(terminal, 'show version').then(Boolean, () => false));
      const show = async () => {
        const peers = JSON.parse(await askTerminal(terminal, 'show bfd peers json')) as Peer[];
        return peers.find(({ peer }) => peer === setup.peer);
      };
      const configure = (...lines: string[]) =>
        askTerminal(terminal, 'configure terminal', 'bfd', peerLine(setup), ...lines);
      return {
        up: async () => (await show())?.status === 'up',
        intervalMs: async () => (await show())?.['transmit-interval'] ?? Number.NaN,
        remoteMultiplier: async () => (await show())?.['remote-detect-multiplier'],
        change: async ({ intervalMs, multiplier }) => {
          await configure(
            `receive-interval ${intervalMs}`,
            `transmit-interval ${intervalMs}`,
            `detect-multiplier ${multiplier}`,
          );
        },
        adminDown: async () => {
          await configure('shutdown');
        },
        kill: async () => {
          await kill(child, 'SIGKILL');
          await kill(zebra.child, 'SIGKILL');
        },
      };
    },
  };
}

interface Peer {
  readonly peer: string;
  readonly status: string;
  readonly 'transmit-interval': number;
  readonly 'remote-detect-multiplier'?: number;
}
