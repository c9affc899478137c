import test from 'ava';
import type { ResourceKind } from '../../../core/resources/resource.js';
import { readsAs, refuses } from './written.js';

const usual = { tier: 'default', selector: '' };
const early = { doNotTrack: false, preDNAT: false, applyOnForward: false };
const deny = [{ action: 'Deny' }];
const inNamespaces = ['NetworkPolicy', 'StagedNetworkPolicy'] as const;
const outside = ['GlobalNetworkPolicy', 'StagedGlobalNetworkPolicy'] as const;
const staged = (kind: ResourceKind) => (kind.startsWith('Staged') ? { stagedAction: 'Set' } : {});

for (const kind of inNamespaces) {
  test(`a ${kind} with everything keeps it, and the defaults are Calico's`, t => {
    readsAs(t, kind, {}, { ...staged(kind), ...usual, types: ['Ingress'] });
    readsAs(t, kind, {
      ...staged(kind),
      tier: 'security',
      order: -1.5,
      selector: 'has(a)',
      serviceAccountSelector: 'has(b)',
      performanceHints: ['AssumeNeededOnEveryNode'],
      types: ['Egress', 'Ingress'],
      ingress: deny,
      egress: deny,
    });
  });

  test(`what only a GlobalNetworkPolicy has is refused in a ${kind}`, t => {
    for (const field of ['namespaceSelector', 'doNotTrack', 'preDNAT', 'applyOnForward']) {
      refuses(t, kind, [[{ [field]: true }, field, 'true', /a GlobalNetworkPolicy has it/]]);
    }
  });
}

for (const kind of outside) {
  test(`a ${kind} with everything keeps it, and the defaults are Calico's`, t => {
    readsAs(t, kind, {}, { ...staged(kind), ...usual, ...early, types: ['Ingress'] });
    readsAs(t, kind, {
      ...staged(kind),
      tier: 'security',
      order: 0,
      selector: 'all()',
      serviceAccountSelector: 'has(b)',
      namespaceSelector: 'has(c)',
      doNotTrack: true,
      preDNAT: false,
      applyOnForward: true,
      performanceHints: ['AssumeNeededOnEveryNode'],
      types: ['Ingress', 'Egress'],
      ingress: deny,
      egress: deny,
    });
    readsAs(
      t,
      kind,
      { preDNAT: true, applyOnForward: true, ingress: deny },
      {
        ...staged(kind),
        ...usual,
        ...early,
        preDNAT: true,
        applyOnForward: true,
        types: ['Ingress'],
        ingress: deny,
      },
    );
  });

  test(`what contradicts itself in a ${kind} is refused`, t => {
    const preDNAT = { preDNAT: true, applyOnForward: true };
    refuses(t, kind, [
      [{ doNotTrack: true }, 'applyOnForward', /nothing|false/, /^true, which doNotTrack needs/],
      [{ preDNAT: true, applyOnForward: false }, 'applyOnForward', 'false', /^true, which preDNAT needs/],
      [{ ...preDNAT, doNotTrack: true }, 'preDNAT', 'true', /beside doNotTrack true/],
      [{ ...preDNAT, egress: deny }, 'egress', '[{"action":"Deny"}]', /beside preDNAT true/],
      [{ ...preDNAT, types: ['Egress'] }, 'types', '["Egress"]', /preDNAT true is of alone/],
      [{ namespaceSelector: 'global()' }, 'namespaceSelector', '"global()"', /namespaceSelector of a rule/],
      [{ namespaceSelector: 'x' }, 'namespaceSelector', '"x"', /at character 2/],
      [{ doNotTrack: 'yes' }, 'doNotTrack', '"yes"', 'true or false'],
      [{ preDNAT: 1 }, 'preDNAT', '1', 'true or false'],
      [{ applyOnForward: 'true' }, 'applyOnForward', '"true"', 'true or false'],
    ]);
  });
}

for (const kind of [...inNamespaces, ...outside]) {
  const rest = kind.includes('Global') ? { ...usual, ...early } : usual;

  test(`the directions of a ${kind} come from its rules where they are not written`, t => {
    const both = { ingress: deny, egress: deny };
    const of = (given: object, types: string[]) =>
      readsAs(t, kind, given, { ...staged(kind), ...rest, ...given, types });
    of({}, ['Ingress']);
    of({ ingress: deny }, ['Ingress']);
    of({ egress: deny }, ['Egress']);
    of(both, ['Ingress', 'Egress']);
    of({ ...both, types: [] }, ['Ingress', 'Egress']);
    of({ ...both, types: ['Egress'] }, ['Egress']);
  });

  test(`each wrong value in a ${kind} is named with what is allowed`, t => {
    refuses(t, kind, [
      [5, '', '5', 'a map of fields'],
      [{ tier: 'Security' }, 'tier', '"Security"', /^the name of a tier/],
      [{ tier: 'a.b' }, 'tier', '"a.b"', /^the name of a tier/],
      [{ tier: '' }, 'tier', '""', /^the name of a tier/],
      [{ tier: 'a'.repeat(64) }, 'tier', `"${'a'.repeat(64)}"`, /at most 63/],
      [{ order: 'first' }, 'order', '"first"', 'a finite number'],
      [{ order: Number.POSITIVE_INFINITY }, 'order', 'null', 'a finite number'],
      [{ order: Number.NaN }, 'order', 'null', 'a finite number'],
      [{ selector: 'has(' }, 'selector', '"has("', /expected a label at character 5/],
      [{ selector: 'global()' }, 'selector', '"global()"', /namespaceSelector of a rule/],
      [{ selector: 5 }, 'selector', '5', 'a selector'],
      [{ serviceAccountSelector: 'a' }, 'serviceAccountSelector', '"a"', /at character 2/],
      [
        { serviceAccountSelector: 'has(a) && global()' },
        'serviceAccountSelector',
        '"has(a) && global()"',
        /namespaceSelector of a rule/,
      ],
      [{ types: 'Ingress' }, 'types', '"Ingress"', 'a list'],
      [{ types: ['ingress'] }, 'types[0]', '"ingress"', 'one of Ingress, Egress'],
      [{ types: ['Egress', 'Egress'] }, 'types', '["Egress","Egress"]', 'a list without repetitions'],
      [{ performanceHints: ['Fast'] }, 'performanceHints[0]', '"Fast"', 'one of AssumeNeededOnEveryNode'],
      [{ ingres: [] }, 'ingres', '[]', /did you mean ingress\?/],
    ]);
  });
}

for (const kind of ['StagedNetworkPolicy', 'StagedGlobalNetworkPolicy'] as const) {
  const rest = kind === 'StagedGlobalNetworkPolicy' ? { ...usual, ...early } : usual;

  test(`a ${kind} says what becomes of it`, t => {
    for (const stagedAction of ['Set', 'Learn', 'Ignore']) {
      readsAs(
        t,
        kind,
        { stagedAction, ingress: deny },
        { stagedAction, ...rest, types: ['Ingress'], ingress: deny },
      );
    }
    readsAs(
      t,
      kind,
      { stagedAction: 'Delete', tier: 'x' },
      { stagedAction: 'Delete', ...rest, tier: 'x', types: [] },
    );
    refuses(t, kind, [
      [{ stagedAction: 'set' }, 'stagedAction', '"set"', 'one of Set, Delete, Learn, Ignore'],
      [{ stagedAction: 'Delete', order: 0 }, 'order', '0', /stagedAction Delete: nothing is but tier/],
      [{ stagedAction: 'Delete', selector: 'all()' }, 'selector', '"all()"', /stagedAction Delete/],
      [{ stagedAction: 'Delete', types: ['Ingress'] }, 'types', '["Ingress"]', /stagedAction Delete/],
      [{ stagedAction: 'Delete', egress: deny }, 'egress', '[{"action":"Deny"}]', /stagedAction Delete/],
    ]);
  });
}

test('a policy that is in force has no stagedAction', t => {
  for (const kind of ['NetworkPolicy', 'GlobalNetworkPolicy'] as const) {
    refuses(t, kind, [[{ stagedAction: 'Set' }, 'stagedAction', '"Set"', /a field of Calico's/]]);
  }
});
