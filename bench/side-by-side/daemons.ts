/**
 * Where the other daemons are: unpacked into the cache folder by `scripts/daemons.mjs`, never installed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Launch } from './contender.js';

/** Programs by name, with their place below the folder that the packages were unpacked into. */
const programs = {
  bird: 'usr/sbin/bird',
  birdc: 'usr/sbin/birdc',
  bgpd: 'usr/lib/frr/bgpd',
  gobgpd: 'usr/bin/gobgpd',
  gobgp: 'usr/bin/gobgp',
} as const;

export type Program = keyof typeof programs;

export interface Daemons {
  launch(program: Program, args: readonly string[]): Launch;
}

/** @throws if a program is not there */
export function daemonsUnder(root: string): Daemons {
  const libraries = ['usr/lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu/frr'].map(path =>
    join(root, path),
  );
  return {
    launch: (program, args) => {
      const command = join(root, programs[program]);
      if (!existsSync(command)) throw new Error(`${command} is missing`);
      return { command, args, env: { LD_LIBRARY_PATH: libraries.join(':') } };
    },
  };
}
