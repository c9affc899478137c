/** What a first layout of ours left on a host, frozen: other names of chains, shorter hashes, a set of another type, between others' rules. */
export const olderLayout = {
  filter: [
    ':DOCKER-USER - [0:0]',
    '-A DOCKER-USER -j RETURN',
    ':mgy-forward - [0:0]',
    ':mgy-wl-cali1 - [0:0]',
    ':mgy-pol-allow-web - [0:0]',
    '-A FORWARD -m comment --comment "mgy:5f3a" -j mgy-forward',
    '-A FORWARD -j DOCKER-USER',
    '-A FORWARD -m comment --comment "mgy:77aa" -m mark --mark 0x10000/0x10000 -j ACCEPT',
    '-A FORWARD -i docker0 -j ACCEPT',
    '-A mgy-forward -m comment --comment "mgy:0a01" -o cali1 -g mgy-wl-cali1',
    '-A mgy-forward -m comment --comment "mgy:0a02" -o cali+ -j DROP',
    '-A mgy-wl-cali1 -m comment --comment "mgy:0b01" -j mgy-pol-allow-web',
    '-A mgy-wl-cali1 -m comment --comment "mgy:0b02" -j DROP',
    '-A mgy-pol-allow-web -p tcp -m comment --comment "mgy:0c01" -m set --match-set mgy-a src -m tcp --dport 80 -j ACCEPT',
  ],
  sets: [
    'create mgy-a hash:ip family inet maxelem 65536',
    'add mgy-a 10.0.0.1',
    'create mgy-gone hash:net family inet maxelem 65536',
    'create docker-set hash:ip family inet maxelem 65536',
  ],
} as const;
