import type { ServedTypeName } from '../../fhir/served.ts';
import type { Ask } from '../ask.ts';
import type { Caller } from '../caller.ts';
import { isDirectory } from '../data-classes.ts';
import type { Facts } from '../facts.ts';
import { personAsked } from '../person-asked.ts';
import { ALLOW, forbid, judges, type Rule, withhold } from '../rule.ts';
import { covers, type ScopeCover, type ScopeLetter, type ScopeLevel, scopeCover } from '../scopes.ts';

const LETTERS: { readonly [I in Ask['interaction']]: readonly ScopeLetter[] } = {
  read: ['r'],
  vread: ['r'],
  'history-instance': ['r'],
  'search-type': ['s'],
  // an operation finds and shows: it needs both
  everything: ['r', 's'],
  match: ['r', 's'],
  summary: ['r', 's'],
  'as-at': ['r', 's'],
  'explain-access': ['r', 's'],
  'as-seen': ['r', 's'],
  'declare-relationship': ['r', 's'],
};

export const scopesRule: Rule = {
  name: 'scopes',
  number: 1,
  says: 'An application sees only the kinds of information, and does only the things, that its access token was given for.',
  cites: 'SMART App Launch 2.2, scopes; DESIGN 4, rule 1',
  applies: {
    staff: judges(
      '`user/` scopes; `patient/` scopes for the one person the application was launched for; `system/` scopes where a partner system names the user',
    ),
    system: judges('`system/` scopes'),
    patient: judges('`patient/` scopes'),
    governance: judges('`user/` scopes'),
  },
  judge(caller, ask, facts) {
    const levels = levelsFor(caller, ask, facts);
    const coverOf = (type: ServedTypeName): readonly ScopeCover[] =>
      LETTERS[ask.interaction].map((letter) => scopeCover(caller.scopes, levels, letter, type));
    const cover = coverOf(ask.type);
    // what a condition looks into is looked at as much as what is shown (S-13, S-14)
    if ([ask.type, ...(ask.looksInto ?? [])].some((type) => coverOf(type).includes('none'))) {
      return forbid(
        'scopes',
        'The access token does not allow this. Ask for one with the scopes this needs.',
      );
    }
    // whoever has a token for it may read a directory; what a constraint on a directory means is not agreed
    if (isDirectory(ask.type)) {
      return cover.every((one) => one === 'all')
        ? ALLOW
        : forbid(
            'scopes',
            'The access token allows this directory in part only, which this service does not offer.',
          );
    }
    return withhold({
      hides(_source, type) {
        const covered = coverOf(type);
        if (covered.includes('none')) return 'all';
        if (covered.every((one) => one === 'all')) return 'none';
        return (row) => !covered.every((one) => covers(one, row.categories));
      },
    });
  },
};

/** The levels of scope that count for this caller and this person. */
function levelsFor(caller: Caller, ask: Ask, facts: Facts): readonly ScopeLevel[] {
  switch (caller.kind) {
    case 'patient':
      return ['patient'];
    case 'system':
      return ['system'];
    case 'governance':
      return ['user'];
    case 'staff': {
      const levels: ScopeLevel[] = caller.namedBy === 'system' ? ['user', 'system'] : ['user'];
      const { launchedFor } = caller;
      const inContext =
        launchedFor !== undefined && personAsked(ask, facts)?.cluster.includes(launchedFor) === true;
      return inContext ? [...levels, 'patient'] : levels;
    }
  }
}
