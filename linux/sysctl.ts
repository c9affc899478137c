/** SHELL: kernel parameters under /proc/sys. */
import { readFileSync, writeFileSync } from 'node:fs';

/** @param name with slashes, as interfaces have dots in theirs: "net/ipv4/conf/eth0.100/rp_filter" @throws if there is none */
export function readSysctl(name: string): string {
  return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
}

/** @throws with the system's code, e.g. EROFS, EACCES */
export function writeSysctl(name: string, value: string): void {
  writeFileSync(`/proc/sys/${name}`, value);
}
