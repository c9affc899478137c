/**
 * A test run, a demo or a bench owns what it makes by name: network namespaces `mgy-RUNID-…`, folders `/tmp/mgy-RUNID…`, and
 * processes that carry MARGAY_RUN_ID in their environment. This file takes all of that away again, for a run that ends and for
 * runs that died before they could.
 *
 * A run is alive while the process recorded in `/tmp/mgy-runs/RUNID` is: same pid, same start time.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where living runs are recorded. */
export const runRegistry = join(tmpdir(), 'mgy-runs');

/** Registers this process as the owner of a new run. The id is short enough for interface names (15 characters). */
export function beginRun() {
  mkdirSync(runRegistry, { recursive: true });
  const id = `${process.pid.toString(36)}${Math.floor(Math.random() * 1296)
    .toString(36)
    .padStart(2, '0')}`;
  writeFileSync(join(runRegistry, id), `${process.pid} ${startTime(process.pid)}`);
  return id;
}

/** Ends every process of a run, then removes its namespaces and folders. Returns what could not be removed. */
export function sweepRun(id) {
  const survivors = endProcesses(id);
  for (const name of namespaces(id)) spawnSync('ip', ['netns', 'delete', name]);
  for (const name of links(id)) spawnSync('ip', ['link', 'delete', name]);
  for (const mount of mounts(id)) spawnSync('umount', ['--lazy', mount]);
  for (const folder of folders(id)) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  rmSync(join(runRegistry, id), { force: true });
  return [...survivors.map(pid => `process ${pid}`), ...namespaces(id).map(name => `namespace ${name}`)];
}

/** Leftovers of runs whose owner is gone. Living runs beside this one are left alone. */
export function sweepDeadRuns() {
  if (!existsSync(runRegistry)) return [];
  const dead = readdirSync(runRegistry).filter(id => {
    const [pid, started] = readFileSync(join(runRegistry, id), 'utf8').split(' ');
    return startTime(Number(pid)) !== started;
  });
  for (const id of dead) sweepRun(id);
  return dead;
}

/** SIGKILL, until none is left or two seconds have passed: children may be born while we look. */
function endProcesses(id) {
  const deadline = Date.now() + 2000;
  let pids = processes(id);
  while (pids.length > 0 && Date.now() < deadline) {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    spawnSync('sleep', ['0.05']);
    pids = processes(id);
  }
  return pids;
}

/** Processes with this run's id in their environment, this one excepted. */
function processes(id) {
  const mark = `MARGAY_RUN_ID=${id}`;
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => {
      if (pid === process.pid) return false;
      try {
        return (
          readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark) && stat(pid)[0] !== 'Z'
        );
      } catch {
        return false;
      }
    });
}

const namespaces = id => list('/run/netns').filter(name => name.startsWith(`mgy-${id}-`));
const links = id => list('/sys/class/net').filter(name => name.startsWith(`mgy-${id}-`));
const folders = id =>
  list(tmpdir())
    .filter(name => name.startsWith(`mgy-${id}`))
    .map(name => join(tmpdir(), name));
const mounts = id =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[1] ?? '')
    .filter(path => path.startsWith(join(tmpdir(), `mgy-${id}`)))
    .reverse();

const list = folder => (existsSync(folder) ? readdirSync(folder) : []);

/** Fields of /proc/PID/stat after the command name, which may itself hold spaces and brackets. */
function stat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Clock ticks since boot at which a process began (proc(5), field 22); "gone" if there is none. */
function startTime(pid) {
  try {
    return stat(pid)[19];
  } catch {
    return 'gone';
  }
}
