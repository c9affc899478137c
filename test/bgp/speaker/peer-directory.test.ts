import test from 'ava';
import { PeerDirectory } from '../../../bgp/speaker/peer-directory.js';
import type { IpAddress } from '../../../core/ip-address.js';

const entry = (key: string, address: string) => ({ config: { key, address: address as IpAddress } });
type Entry = ReturnType<typeof entry>;

test('peers are found by address as by looking through all of them, whatever came before', t => {
  const directory = new PeerDirectory<Entry>();
  const all: Entry[] = [];
  const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
  let seed = 7;
  const below = (limit: number) => {
    seed = (seed * 16807) % 2147483647;
    return seed % limit;
  };
  for (let step = 0; step < 500; step++) {
    const address = addresses[below(3)]!;
    const what = below(4);
    const victim = below(all.length || 1);
    if (what < 2) {
      const added = entry(`p${step}`, address);
      all.push(added);
      directory.add(added);
    } else if (all.length > 0 && what === 2) {
      directory.delete(all.splice(victim, 1)[0]!.config.key);
    } else if (all.length > 0) {
      all[victim]!.config.address = address as IpAddress;
      directory.readdressed();
    }
    for (const each of addresses) {
      const expected = all.filter(({ config }) => config.address === each);
      t.deepEqual(directory.at(each as IpAddress), expected);
    }
    t.deepEqual([...directory.values()], all);
  }
});
