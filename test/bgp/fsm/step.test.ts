import test from 'ava';
import type { FsmConfig, SessionAction, SessionState, Step } from '../../../bgp/fsm/session-state.js';
import { step } from '../../../bgp/fsm/step.js';
import { agreed, config, events, local, open, states } from './session.js';

/** What is sent, opened and closed, without the timers: `OPEN`, `KEEPALIVE`, `NOTIFICATION 2/2`, `dial`, `close`, `up`, `down`. */
function deeds(actions: readonly SessionAction[]): string {
  return actions
    .map(deed)
    .filter(word => word !== '')
    .join(', ');
}

function deed(action: SessionAction): string {
  switch (action.kind) {
    case 'send-open':
      return 'OPEN';
    case 'send-keepalive':
      return 'KEEPALIVE';
    case 'send-notification':
      return `NOTIFICATION ${action.notification.code}/${action.notification.subcode}`;
    case 'dial':
      return 'dial';
    case 'close-connection':
      return 'close';
    case 'session-up':
      return 'up';
    case 'session-down':
      return 'down';
    case 'set-timer':
    case 'clear-timer':
      return '';
  }
}

/** state: { event: [next state, deeds] }; what is not listed changes nothing and does nothing. */
const table: Record<SessionState['kind'], Record<string, readonly [SessionState['kind'], string]>> = {
  Idle: {
    'manual-start': ['Connect', 'dial'],
    'automatic-start': ['Connect', 'dial'],
    'idle-hold': ['Connect', 'dial'],
    acknowledged: ['Idle', 'close'],
    confirmed: ['Idle', 'close'],
  },
  Connect: {
    'manual-stop': ['Idle', 'close'],
    'automatic-stop': ['Idle', 'close'],
    'connect-retry': ['Connect', 'close, dial'],
    'delay-open': ['OpenSent', 'OPEN'],
    acknowledged: ['OpenSent', 'OPEN'],
    confirmed: ['OpenSent', 'OPEN'],
    'tcp-failed': ['Active', 'close'],
    open: ['OpenConfirm', 'OPEN, KEEPALIVE'],
    'bad-open': ['Idle', 'NOTIFICATION 2/2, close'],
    error: ['Idle', 'NOTIFICATION 1/1, close'],
    collision: ['Idle', 'close'],
    restarted: ['Idle', 'close'],
    notification: ['Idle', 'close'],
    'version-error': ['Idle', 'close'],
    keepalive_: ['Idle', 'close'],
    updates: ['Idle', 'close'],
    refresh: ['Idle', 'close'],
  },
  Active: {
    'manual-stop': ['Idle', 'close'],
    'automatic-stop': ['Idle', 'close'],
    'connect-retry': ['Connect', 'dial'],
    'delay-open': ['OpenSent', 'OPEN'],
    acknowledged: ['OpenSent', 'OPEN'],
    confirmed: ['OpenSent', 'OPEN'],
    'tcp-failed': ['Idle', 'close'],
    open: ['OpenConfirm', 'OPEN, KEEPALIVE'],
    'bad-open': ['Idle', 'NOTIFICATION 2/2, close'],
    error: ['Idle', 'NOTIFICATION 1/1, close'],
    collision: ['Idle', 'close'],
    restarted: ['Idle', 'close'],
    notification: ['Idle', 'close'],
    'version-error': ['Idle', 'close'],
    keepalive_: ['Idle', 'close'],
    updates: ['Idle', 'close'],
    refresh: ['Idle', 'close'],
  },
  OpenSent: {
    'manual-stop': ['Idle', 'NOTIFICATION 6/2, close'],
    'automatic-stop': ['Idle', 'NOTIFICATION 6/6, close'],
    hold: ['Idle', 'NOTIFICATION 4/0, close'],
    'tcp-failed': ['Active', 'close'],
    open: ['OpenConfirm', 'KEEPALIVE'],
    'bad-open': ['Idle', 'NOTIFICATION 2/2, close'],
    error: ['Idle', 'NOTIFICATION 1/1, close'],
    collision: ['Idle', 'NOTIFICATION 6/7, close'],
    notification: ['Idle', 'close'],
    'version-error': ['Idle', 'close'],
    keepalive_: ['Idle', 'NOTIFICATION 5/1, close'],
    updates: ['Idle', 'NOTIFICATION 5/1, close'],
    refresh: ['Idle', 'NOTIFICATION 5/1, close'],
  },
  OpenConfirm: {
    'manual-stop': ['Idle', 'NOTIFICATION 6/2, close'],
    'automatic-stop': ['Idle', 'NOTIFICATION 6/6, close'],
    hold: ['Idle', 'NOTIFICATION 4/0, close'],
    'send-hold': ['Idle', 'NOTIFICATION 8/0, close'],
    keepalive: ['OpenConfirm', 'KEEPALIVE'],
    'tcp-failed': ['Idle', 'close'],
    open: ['Idle', 'NOTIFICATION 5/2, close'],
    'bad-open': ['Idle', 'NOTIFICATION 5/2, close'],
    error: ['Idle', 'NOTIFICATION 1/1, close'],
    collision: ['Idle', 'NOTIFICATION 6/7, close'],
    notification: ['Idle', 'close'],
    'version-error': ['Idle', 'close'],
    keepalive_: ['Established', 'up'],
    updates: ['Idle', 'NOTIFICATION 5/2, close'],
    refresh: ['Idle', 'NOTIFICATION 5/2, close'],
  },
  Established: {
    'manual-stop': ['Idle', 'NOTIFICATION 6/2, close, down'],
    'automatic-stop': ['Idle', 'NOTIFICATION 6/6, close, down'],
    hold: ['Idle', 'NOTIFICATION 4/0, close, down'],
    'send-hold': ['Idle', 'NOTIFICATION 8/0, close, down'],
    keepalive: ['Established', 'KEEPALIVE'],
    'tcp-failed': ['Idle', 'close, down'],
    open: ['Idle', 'NOTIFICATION 5/3, close, down'],
    'bad-open': ['Idle', 'NOTIFICATION 5/3, close, down'],
    error: ['Idle', 'NOTIFICATION 1/1, close, down'],
    collision: ['Idle', 'NOTIFICATION 6/7, close, down'],
    restarted: ['Idle', 'close, down'],
    notification: ['Idle', 'close, down'],
    'version-error': ['Idle', 'close, down'],
  },
};

for (const [kind, state] of Object.entries(states)) {
  for (const [name, event] of Object.entries(events)) {
    const [next, expected] = table[state.kind][name] ?? [state.kind, ''];
    test(`${kind}, ${name} -> ${next}`, t => {
      const { state: after, actions } = step(state, event, config());
      t.is(after.kind, next);
      t.is(deeds(actions), expected);
    });
  }
}

test('every event of the table is one that is tried', t => {
  for (const row of Object.values(table)) for (const name of Object.keys(row)) t.truthy(events[name], name);
});

/** Which timers run afterwards, when the given ones ran before. */
function timersAfter(before: readonly string[], { actions }: Step): string[] {
  const running = new Set<string>(before);
  for (const action of actions) {
    if (action.kind === 'set-timer') running.add(action.timer);
    if (action.kind === 'clear-timer') running.delete(action.timer);
  }
  return [...running].sort();
}

const all = ['connect-retry', 'hold', 'send-hold', 'keepalive', 'delay-open', 'idle-hold', 'damping'];

for (const [kind, state] of Object.entries(states)) {
  for (const [name, event] of Object.entries(events)) {
    test(`${kind}, ${name}: no timer of another state goes on`, t => {
      const after = step(state, event, config());
      if (after.state.kind === state.kind) {
        t.pass();
        return;
      }
      const running = timersAfter(all, after);
      const failure = !['manual-stop', 'collision'].includes(name);
      const allowed: Record<string, readonly string[]> = {
        Idle: failure ? ['idle-hold'] : [],
        Connect: ['connect-retry'],
        Active: ['connect-retry'],
        OpenSent: ['hold'],
        OpenConfirm: ['hold', 'send-hold', 'keepalive'],
        Established: ['hold', 'send-hold', 'keepalive', 'damping'],
      };
      const mine = new Set(allowed[after.state.kind]);
      // Only timers that could run in the state before can be left over from it.
      const before = new Set(allowed[kind] ?? []);
      t.deepEqual(
        running.filter(timer => !mine.has(timer) && before.has(timer)),
        [],
      );
    });
  }
}

test('a hold time of 0 leaves no hold, send hold and keepalive timer armed', t => {
  const silent = { ...local(), open: open({ holdTimeSeconds: 0 }) };
  const own = config({ local: { ...silent, open: { ...silent.open, routerId: local().open.routerId } } });
  const sent = step(states.Connect, events.acknowledged!, own);
  t.deepEqual(timersAfter([], sent), ['hold']);
  const confirmed = step(sent.state, { kind: 'open-received', open: open({ holdTimeSeconds: 90 }) }, own);
  t.deepEqual(timersAfter(['hold'], confirmed), []);
  const up = step(confirmed.state, events.keepalive_!, own);
  t.is(up.state.kind, 'Established');
  t.deepEqual(timersAfter([], up), ['damping']);
});

test('passive sessions never dial', t => {
  const passive = config({ passive: true });
  const started = step(states.Idle, events['automatic-start']!, passive);
  t.is(started.state.kind, 'Active');
  t.is(deeds(started.actions), '');
  t.is(deeds(step(started.state, events['connect-retry']!, passive).actions), '');
});

test('with DelayOpen the OPEN waits for the timer or for the peer', t => {
  const delayed = config({ delayOpenSeconds: 3 });
  for (const kind of ['Connect', 'Active'] as const) {
    const up = step(states[kind], events.confirmed!, delayed);
    t.is(up.state.kind, kind);
    t.is(deeds(up.actions), '');
    t.true(timersAfter([], up).includes('delay-open'));
    t.is(deeds(step(up.state, events['delay-open']!, delayed).actions), 'OPEN');
    t.is(deeds(step(up.state, events.open!, delayed).actions), 'OPEN, KEEPALIVE');
    t.is(step(up.state, events['tcp-failed']!, delayed).state.kind, kind === 'Connect' ? 'Active' : 'Idle');
  }
});

test('the hold-down doubles from 1 s up to its bound, and a stable session forgives', t => {
  const holdDown = (state: SessionState, own: FsmConfig) => {
    const { actions, state: after } = step(state, events.hold!, own);
    const timer = actions.find(action => action.kind === 'set-timer' && action.timer === 'idle-hold');
    return { seconds: timer?.kind === 'set-timer' ? timer.seconds : undefined, after };
  };
  const seconds: (number | undefined)[] = [];
  let counter = 0;
  for (let i = 0; i < 8; i++) {
    const result = holdDown({ ...states.Established, connectRetryCounter: counter }, config());
    seconds.push(result.seconds);
    counter = result.after.connectRetryCounter;
  }
  t.deepEqual(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
  const forgiven = step({ ...states.Established, connectRetryCounter: counter }, events.damping!, config());
  t.is(forgiven.state.connectRetryCounter, 0);
});

test('a connection that breaks is not held against the peer', t => {
  for (const event of ['tcp-failed', 'restarted']) {
    const { state } = step({ ...states.Established, connectRetryCounter: 2 }, events[event]!, config());
    t.is(state.connectRetryCounter, 2);
  }
});

test('a manual stop zeroes the counter and starts nothing again', t => {
  for (const state of Object.values(states)) {
    if (state.kind === 'Idle') continue;
    const stopped = step(state, { kind: 'manual-stop', message: 'moving racks' }, config());
    t.deepEqual(stopped.state, { kind: 'Idle', connectRetryCounter: 0 });
    t.deepEqual(timersAfter(all, stopped), []);
  }
});

test('every transition to Idle out of a session says why', t => {
  for (const state of [states.OpenSent, states.OpenConfirm, states.Established]) {
    for (const [name, event] of Object.entries(events)) {
      const after = step(state, event, config());
      if (after.state.kind === 'Idle') t.truthy(after.cause, `${state.kind} ${name}`);
    }
  }
});

test('the negotiated values come with the session', t => {
  const up = step(
    { ...states.OpenConfirm, negotiated: agreed(open({ holdTimeSeconds: 30 })) },
    events.keepalive_!,
    config(),
  );
  const action = up.actions.find(one => one.kind === 'session-up');
  t.is(action?.kind === 'session-up' ? action.negotiated.holdTimeSeconds : undefined, 30);
});
