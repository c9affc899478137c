/** What is said of a host that lacks the tools. */
import test from 'ava';
import { filterCommands } from '../../../policy/apply/commands.js';

test('a tool that is missing is waited for, with words on how to have it', async t => {
  const kernel = filterCommands(['env', 'PATH=/nowhere']);
  t.deepEqual(await kernel.restoreSets(''), {
    kind: 'busy',
    reason: 'ipset is not installed: apt-get install ipset',
  });
  t.deepEqual(await kernel.restoreTable('nft', 'ipv6', ''), {
    kind: 'busy',
    reason: 'ip6tables-nft-restore is not installed: apt-get install iptables',
  });
});
