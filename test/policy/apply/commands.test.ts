/** What is said of a host that lacks the tools. */
import test from 'ava';
import { filterCommands } from '../../../policy/apply/commands.js';
import { MissingCommandError, NoSetsError } from '../../../policy/apply/kernel.js';

const kernel = filterCommands(['env', 'PATH=/nowhere']);

test('iptables that is missing is waited for, with words on how to have it', async t => {
  t.deepEqual(await kernel.restoreTable('nft', 'ipv6', ''), {
    kind: 'busy',
    reason: 'ip6tables-nft-restore is not installed: apt-get install iptables',
  });
  const error = await t.throwsAsync(kernel.saveTables('nft', 'ipv6'), { instanceOf: MissingCommandError });
  t.regex(error.message, /apt-get install iptables/);
});

test('ipset that is missing is refused, so that the rest is not waited for, with words on how to have it', async t => {
  const reason = 'ipset is not installed: apt-get install ipset';
  t.deepEqual(await kernel.restoreSets(''), { kind: 'refused', reason, line: undefined });
  t.is((await t.throwsAsync(kernel.saveSets(), { instanceOf: NoSetsError })).message, reason);
});
