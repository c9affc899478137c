import test from 'ava';
import { StateProblems } from '../../agent/state-problems.js';

test('a file that cannot be kept is a condition for as long as it lasts', t => {
  const said: string[] = [];
  const say = (level: string) => (detail: object, text: string) =>
    said.push(`${level} ${JSON.stringify(detail)} ${text}`);
  const state = new StateProblems({
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
  });
  state.tell('good-documents', 'good documents cannot be kept', undefined);
  t.deepEqual(said, []);
  state.tell('good-documents', 'good documents cannot be kept', 'ENOSPC');
  state.tell('instance', 'the identity of this host', 'EROFS');
  t.deepEqual(state.conditions(), [
    { severity: 'warning', message: 'good documents cannot be kept: ENOSPC', objects: ['good-documents'] },
    { severity: 'warning', message: 'the identity of this host: EROFS', objects: ['instance'] },
  ]);
  state.tell('good-documents', 'good documents cannot be kept', undefined);
  t.deepEqual(
    state.conditions().map(({ objects }) => objects[0]),
    ['instance'],
  );
  t.is(said.at(-1), 'info {"file":"good-documents"} it is kept again for the next start');
});
