/** A host in a network namespace, and an applier of its packet filter. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Implementation } from '../../../linux/iptables-choice.js';
import type { ApplierOptions } from '../../../policy/apply/applier.js';
import { filterCommands } from '../../../policy/apply/commands.js';
import type { FilterKernel } from '../../../policy/apply/kernel.js';
import { makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { startApplier } from './real-applier.js';

export interface FilterHost {
  readonly host: NetworkNamespace;
  readonly backend: Implementation;
  /** What this machine lacks for that backend. */
  readonly lacking: string | undefined;
  readonly kernel: FilterKernel;
  /** In front of commands that are to be run on the host, with its own lock. */
  readonly prefix: readonly string[];
  /** Runs one there. */
  run(...command: readonly string[]): string;
  /** How many commands that write were run there, sets' among them. */
  writes(): number;
  /** `iptables-BACKEND-save` of the filter table, without counters and dates. */
  save(): string;
}

/** Without the packages' commands: one of them is called nft. */
const paths = (process.env.PATH ?? '').split(':').filter(path => !path.includes('node_modules'));

/** A host that filters by that backend already, and has a set. */
export function filterHost(t: ExecutionContext, backend: Implementation): FilterHost {
  const host = makeNamespace(t);
  const folder = mkdtempSync(join(tmpdir(), 'margay-lock-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const log = countWrites(folder);
  const own = [`XTABLES_LOCKFILE=${folder}/xtables.lock`, `PATH=${[`${folder}/bin`, ...paths].join(':')}`];
  const prefix = ['env', ...own, 'ip', 'netns', 'exec', host.name];
  const attempts = [
    ['ipset', 'create', 'foreign', 'hash:ip'],
    ['ipset', 'add', 'foreign', '198.51.100.1'],
    [`iptables-${backend}`, '-A', 'INPUT', '-p', 'tcp', '--dport', '9', '-j', 'REJECT'],
    [`iptables-${backend}`, '-A', 'INPUT', '-m', 'set', '--match-set', 'foreign', 'src', '-j', 'DROP'],
  ];
  const failed = attempts.flatMap(command => {
    const { status, stderr, error } = spawnSync(prefix[0]!, [...prefix.slice(1), ...command], {
      encoding: 'utf8',
    });
    return status === 0 ? [] : [`${command.join(' ')}: ${error?.message ?? stderr.trim()}`];
  });
  const run = (...command: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(prefix[0]!, [...prefix.slice(1), ...command], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
    return stdout;
  };
  return {
    host,
    backend,
    lacking: failed[0],
    kernel: filterCommands(prefix),
    prefix,
    run,
    writes: () => readFileSync(log, 'utf8').split('\n').length - 1,
    save: () =>
      run(`iptables-${backend}-save`, '-t', 'filter')
        .split('\n')
        .filter(line => !line.startsWith('#'))
        .map(line => line.replace(/ \[\d+:\d+\]$/, ''))
        .join('\n'),
  };
}

/** Commands that write are found in `bin` first, where they are counted. @returns the file with a line for each */
function countWrites(folder: string): string {
  const log = join(folder, 'writes');
  writeFileSync(log, '');
  mkdirSync(join(folder, 'bin'));
  const restores = ['ip', 'ip6'].flatMap(ip => [`${ip}tables-nft-restore`, `${ip}tables-legacy-restore`]);
  for (const command of [...restores, 'ipset']) {
    const real = (process.env.PATH ?? '')
      .split(':')
      .map(path => join(path, command))
      .find(existsSync);
    const counted = `case "$*" in save*|list*) ;; *) echo "$0 $*" >> ${log} ;; esac`;
    const script = `#!/bin/sh\n${counted}\nexec ${real ?? command} "$@"\n`;
    writeFileSync(join(folder, 'bin', command), script, { mode: 0o755 });
  }
  return log;
}

/** What others have there. */
export function foreignOf(saved: string): readonly string[] {
  return saved.split('\n').filter(line => !/mgy[-:]/.test(line));
}

export function startFilter(t: ExecutionContext, { host, kernel }: FilterHost, refreshMs = 90_000) {
  const logged: string[] = [];
  const log: ApplierOptions['log'] = (level, message, detail) =>
    logged.push(`${level} ${message}: ${detail}`);
  const applier = startApplier(t, host, { kernel, refreshMs, log });
  return { applier, logged };
}
