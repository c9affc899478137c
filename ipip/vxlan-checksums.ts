/**
 * SHELL: transmit checksum offload of a VXLAN device: checked, and switched where it is told to be. Kernels before 5.8 hand cards inner
 * checksums that those get wrong.
 */
import { release } from 'node:os';
import { readTxChecksumOffload, switchTxChecksumOffload } from '../linux/ethtool.js';

/** In words where it is not as it should be. */
export function settleVxlanChecksums(interfaceName: string, wish: 'auto' | 'on' | 'off'): string | undefined {
  const wanted = wish === 'auto' ? (isBroken(release()) ? false : undefined) : wish === 'on';
  if (wanted === undefined) return undefined;
  try {
    if (readTxChecksumOffload(interfaceName) === wanted) return undefined;
    switchTxChecksumOffload(interfaceName, wanted);
    return undefined;
  } catch (error) {
    return `checksum offload of ${interfaceName} cannot be switched ${wanted ? 'on' : 'off'}: ${(error as Error).message}`;
  }
}

/** "5.4.0-150-generic" */
export function isBroken(kernelRelease: string): boolean {
  const [major = 0, minor = 0] = kernelRelease.split('.').map(part => Number.parseInt(part, 10));
  return major < 5 || (major === 5 && minor < 8);
}
