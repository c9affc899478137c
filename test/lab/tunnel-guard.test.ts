/** The guard in front of IPIP devices, where the kernel has them; on a kernel that takes no rules by nft, by the other iptables. */
import test from 'ava';
import { guardsDevice } from '../support/guarded-hosts.js';

test('IPIP devices: a known host’s overlay gets an answer, an unknown one’s does not', t =>
  guardsDevice(t, 'ipip'));
