import test from 'ava';
import { matchesSelector, parseSelector, type Selector } from '../../../core/selector.js';
import { LabelIndex, type SharedSelector } from '../../../policy/calculate/label-index.js';
import { LabelShelf } from '../../../policy/calculate/label-shelf.js';
import { shared } from '../../../policy/calculate/set-definitions.js';
import { Random } from '../../support/random.js';
import { WorldMaker } from './worlds.js';

const selector = (text: string) => parseSelector(text) as Selector;

test('a watcher is told once of what begins and ceases to be selected, whoever else watches an equal selector', t => {
  const log: string[] = [];
  const index = new LabelIndex<string, string>({
    selected: (watcher, item) => log.push(`${watcher} +${item}`),
    unselected: (watcher, item) => log.push(`${watcher} -${item}`),
  });
  const told = () => log.splice(0);
  index.setItem('web', { role: 'web' });
  index.watch('first', shared(selector('role == "web" && has(role)')));
  t.deepEqual(told(), ['first +web']);
  index.watch('second', shared(selector("(role=='web')&&has(role)")));
  t.deepEqual(told(), ['second +web']);
  t.is(index.size.selectors, 1);
  index.setItem('web', { role: 'web', zone: 'a' });
  t.deepEqual(told(), []);
  index.setItem('web', { role: 'db' });
  t.deepEqual(told(), ['first -web', 'second -web']);
  index.setItem('web', { role: 'web' });
  index.unwatch('first', shared(selector('role == "web" && has(role)')));
  t.deepEqual(told(), ['first +web', 'second +web', 'first -web']);
  index.deleteItem('web');
  t.deepEqual(told(), ['second -web']);
  index.unwatch('second', shared(selector('role == "web" && has(role)')));
  t.deepEqual(index.size, { items: 0, selectors: 0, places: 0 });
});

test('what it says of generated things and selectors is what trying them all out says', t => {
  const seed = 5;
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const maker = new WorldMaker(random);
  const selections = new Map<string, Set<number>>();
  const index = new LabelIndex<string, number>({
    selected: (watcher, item) => t.true(selections.get(watcher)?.add(item) !== undefined),
    unselected: (watcher, item) => t.true(selections.get(watcher)?.delete(item)),
  });
  const items = new Map<number, Record<string, string>>();
  const watched = new Map<string, SharedSelector>();
  let selected = 0;
  for (let step = 0; step < 3000; step++) {
    const item = random.below(40);
    const name = `watcher ${random.below(40)}`;
    switch (random.below(5)) {
      case 0:
        index.deleteItem(item);
        items.delete(item);
        break;
      case 1: {
        const before = watched.get(name);
        if (before !== undefined) index.unwatch(name, before);
        t.is(selections.get(name)?.size ?? 0, 0);
        const next = shared(selector(maker.selector(3)));
        watched.set(name, next);
        selections.set(name, new Set());
        index.watch(name, next);
        break;
      }
      default: {
        const labels = maker.labels();
        items.set(item, labels);
        index.setItem(item, labels);
      }
    }
    if (step % 50 > 0) continue;
    for (const [watcher, { selector: of }] of watched) {
      const wanted = [...items].filter(([, labels]) => matchesSelector(of, labels)).map(([id]) => id);
      selected += wanted.length;
      t.deepEqual([...(selections.get(watcher) ?? [])].sort(), wanted.sort(), watcher);
    }
  }
  t.true(selected > 5000);
  for (const item of items.keys()) index.deleteItem(item);
  for (const [name, of] of watched) index.unwatch(name, of);
  t.deepEqual(index.size, { items: 0, selectors: 0, places: 0 });
});

test('a shelf counts what stands under a label, and keeps nothing of what was taken away', t => {
  const shelf = new LabelShelf<string>();
  shelf.add('role', 'web', 'a');
  shelf.add('role', 'web', 'a');
  shelf.add('role', 'db', 'b');
  shelf.add('role', undefined, 'c');
  t.is(shelf.count('role'), 3);
  t.is(shelf.countAt('role', 'web'), 1);
  t.deepEqual([...shelf.everyAt('role')].sort(), ['a', 'b', 'c']);
  shelf.delete('role', 'web', 'b');
  t.is(shelf.count('role'), 3);
  shelf.delete('role', 'web', 'a');
  shelf.delete('role', 'db', 'b');
  t.is(shelf.count('role'), 1);
  shelf.delete('role', undefined, 'c');
  t.is(shelf.size, 0);
});

test('a change of one label tries the few selectors that may concern it, and a new selector the few things', t => {
  let tried = 0;
  const counted = (text: string): SharedSelector => {
    const { canonical, selector: of } = shared(selector(text));
    const get: ProxyHandler<Selector>['get'] = (target, key) => {
      if (key === 'kind') tried++;
      return Reflect.get(target, key);
    };
    return { canonical, selector: new Proxy(of, { get }) };
  };
  const index = new LabelIndex<string, number>({ selected: () => {}, unselected: () => {} });
  for (let i = 0; i < 1000; i++) index.setItem(i, { app: `app-${i}`, role: i % 2 ? 'web' : 'db' });
  for (let i = 0; i < 1000; i++) index.watch(`watcher ${i}`, counted(`role == "web" && app == "app-${i}"`));
  tried = 0;
  index.setItem(1, { app: 'app-7', role: 'web' });
  t.true(tried > 0 && tried < 10, `${tried} at a change of one label`);
  tried = 0;
  index.watch('another', counted('app == "app-7" && role != "db"'));
  t.true(tried > 0 && tried < 10, `${tried} at a new selector`);
});
