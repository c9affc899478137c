import test from 'ava';
import { commentOf, nftablesDrops, policyOf, rulesOf } from '../../ipip/packet-filter-text.js';

test('chains of nftables itself that drop are named, but for those that iptables-nft owns', t => {
  const listing = `table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy drop;
	}
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy drop;
	}
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy drop;
	}
	chain raw {
		type filter hook forward priority 0; policy accept;
	}
}
table ip6 filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
`;
  t.deepEqual(nftablesDrops(listing, 'forward', 'ipv4'), ['inet firewalld filter_FORWARD']);
  t.deepEqual(nftablesDrops(listing, 'input', 'ipv4'), ['inet firewalld filter_INPUT']);
  t.deepEqual(nftablesDrops('', 'forward', 'ipv4'), []);
});

test('rules, policies and comments are read as both variants print them', t => {
  const listing =
    '-P INPUT DROP\n-A INPUT -m comment --comment "two words" -j X\n-A INPUT -m comment --comment one -j X\n-A INPUT -j Y\n';
  t.is(policyOf(listing), 'DROP');
  t.is(policyOf('-N margay-input\n'), 'ACCEPT');
  t.deepEqual(rulesOf(listing).map(commentOf), ['two words', 'one', undefined]);
});
