/**
 * Network namespaces for tests with the real kernel. Named `mgy-RUNID-…`, so that the runner sweeps what a killed run left; removed
 * by the test's teardown otherwise.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';

const RUN_ID = process.env.MARGAY_RUN_ID ?? `t${process.pid.toString(36)}`;
let count = 0;

export interface NetworkNamespace {
  readonly name: string;
  /** For setns(2). */
  readonly path: string;
  /** `ip ARGS` inside, split at blanks; its standard output. @throws with what it said where it fails */
  ip(args: string): string;
  /** `ip -batch`. */
  ipBatch(lines: readonly string[]): void;
  /** Any command inside. */
  run(command: string, ...args: readonly string[]): string;
}

export function makeNamespace(t: ExecutionContext): NetworkNamespace {
  const name = `mgy-${RUN_ID}-${process.pid.toString(36)}${count++}`;
  execFileSync('ip', ['netns', 'add', name]);
  // It takes the kernel a while, and other tests of the file may be at work.
  t.teardown(async () => {
    if (existsSync(`/run/netns/${name}`)) await promisify(execFile)('ip', ['netns', 'delete', name]);
  });
  const run = (command: string, args: readonly string[], input?: string) => {
    const { status, stdout, stderr, error } = spawnSync(command, args, {
      encoding: 'utf8',
      input,
      maxBuffer: 1 << 28,
    });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
    return stdout;
  };
  const namespace: NetworkNamespace = {
    name,
    path: `/run/netns/${name}`,
    ip: args => run('ip', ['-n', name, ...args.split(' ')]),
    ipBatch: lines => void run('ip', ['-n', name, '-batch', '-'], lines.join('\n')),
    run: (command, ...args) => run('ip', ['netns', 'exec', name, command, ...args]),
  };
  namespace.ip('link set lo up');
  return namespace;
}

/** A veth pair with both ends up: `a` inside `one`, `b` inside `other`. */
export function join(one: NetworkNamespace, a: string, other: NetworkNamespace, b: string): void {
  one.ip(`link add ${a} type veth peer name ${b} netns ${other.name}`);
  one.ip(`link set ${a} up`);
  other.ip(`link set ${b} up`);
}

export function ifindex(namespace: NetworkNamespace, name: string): number {
  return Number(namespace.ip(`-o link show dev ${name}`).split(':')[0]);
}
