import fc from 'fast-check';
import t from 'tap';
import { commonScopes, covers, parseScopes, scopeCover, scopeText } from '../../src/access/scopes.ts';
import { nhsNumberHmac } from '../../src/access/staff-number.ts';
import { everything, facts, outcome, patient, read, search, staff, system, VITAL } from './world.ts';

const VITAL_ENCODED = encodeURIComponent(VITAL);

t.test('scopes are read by the exact grammar, v1 as its v2 meaning', async (t) => {
  const table: readonly [text: string, reads: string][] = [
    ['patient/Observation.rs', 'patient Observation rs'],
    ['user/*.cruds', 'user * cruds'],
    ['system/Patient.r', 'system Patient r'],
    ['patient/Observation.read', 'patient Observation rs'],
    ['patient/Observation.write', 'patient Observation cud'],
    ['patient/*.*', 'patient * cruds'],
    [`user/Observation.rs?category=${VITAL}`, `user Observation rs ${VITAL}`],
    [`user/Observation.rs?category=${VITAL_ENCODED}`, `user Observation rs ${VITAL}`],
    ['user/Observation.rs?category=vital-signs', 'user Observation rs vital-signs'],
    ['user/Observation.rs?category=s%7Ca%20b,c', 'user Observation rs s|a b,c'],
  ];
  for (const [text, reads] of table) {
    const got = parseScopes(text).map(({ level, type, letters, constraint }) =>
      [level, type, letters, ...(constraint === undefined ? [] : [constraint.categories.join(',')])].join(
        ' ',
      ),
    );
    t.strictSame(got, [reads], text);
  }
});

t.test('anything else grants nothing', async (t) => {
  const nothing = [
    '',
    ' ',
    'openid',
    'fhirUser',
    'launch',
    'launch/patient',
    'offline_access',
    'patient',
    'patient/',
    'patient/*',
    'patient/*.',
    'patient/*.rx',
    'patient/*.sr',
    'patient/*.rr',
    'patient/*.dus',
    'patient/*.READ',
    'patient/*.reads',
    'PATIENT/*.rs',
    'Patient/*.rs',
    'person/*.rs',
    'patient/observation.rs',
    'patient/Coverage.rs',
    'patient/__proto__.rs',
    'patient/constructor.rs',
    'patient/**.rs',
    'patient%2F*.rs',
    'patient/*.rs\t',
    '\tpatient/*.rs',
    'patient/*.rs\n',
    'patient/*.rs\u00a0',
    'patient/*.rs,user/*.rs',
    'xpatient/*.rs',
    'http://smarthealthit.org/fhir/scopes/patient/*.rs',
    'patient/*.rs?',
    'patient/*.rs?category',
    'patient/*.rs?category=',
    'patient/*.rs?category=x&',
    'patient/*.rs?category=x&status=final',
    'patient/*.rs?category=x&category=y',
    'patient/*.rs?category:not=x',
    'patient/*.rs?Category=x',
    'patient/*.rs?%63ategory=x',
    'patient/*.rs?code=x',
    'patient/*.rs?category=x,',
    'patient/*.rs?category=|x',
    'patient/*.rs?category=s|',
    'patient/*.rs?category=s|x|y',
    'patient/*.rs?category=%',
    'patient/*.rs?category=%ff',
    'patient/*.rs?category=x%00',
    'patient/*.rs?category=a%5C,b',
    'patient/*.read?category=x',
    'patient/*.*?category=x',
  ];
  for (const text of nothing) t.strictSame(parseScopes(text), [], JSON.stringify(text));
  t.equal(
    parseScopes('openid patient/Patient.r  nonsense/x user/*.dus').length,
    1,
    'the good ones of a list count',
  );
});

t.test('no text makes the parser throw or grant more than its letters', async () => {
  const parts = fc.array(
    fc.constantFrom('patient', 'user', '/', '*', '.', 'rs', 'read', '?', 'category=', '%', '|', ' '),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        parts.map((some) => some.join('')),
      ),
      (text) => {
        return parseScopes(text).every((scope) => /^c?r?u?d?s?$/.test(scope.letters) && scope.letters !== '');
      },
    ),
  );
});

t.test('what two lists have in common opens nothing that either would not', async (t) => {
  const scope = fc
    .tuple(
      fc.constantFrom('user', 'system'),
      fc.constantFrom('*', 'Flag', 'Patient'),
      fc.constantFrom('r', 's', 'rs', 'read', '*', 'cruds'),
      fc.constantFrom('', '', '?category=a', '?category=x|a,y|b', '?category=b,x|c'),
    )
    .map((parts) => `${parts[0]}/${parts[1]}.${parts[2]}${parts[3]}`);
  const lists = fc.array(scope, { maxLength: 4 }).map((some) => parseScopes(some.join(' ')));
  const row = fc.subarray(['x|a', 'y|a', 'y|b', 'x|c']);
  const opens = (list: ReturnType<typeof parseScopes>, categories: readonly string[]): boolean =>
    covers(scopeCover(list, ['system'], 'r', 'Flag'), categories);
  fc.assert(
    fc.property(lists, lists, row, (one, other, categories) => {
      const both = commonScopes(one, other);
      return !opens(both, categories) || (opens(one, categories) && opens(other, categories));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(
      lists,
      row,
      (one, categories) => opens(commonScopes(one, one), categories) === opens(one, categories),
    ),
  );
  t.equal(scopeText(commonScopes(parseScopes('user/*.rs'), parseScopes('user/Flag.cruds'))), 'user/Flag.rs');
});

t.test('scopes of several kinds add up, by level, letter and type', async (t) => {
  const scopes = parseScopes('user/Observation.r user/Observation.s?category=x|y patient/Condition.rs');
  t.equal(scopeCover(scopes, ['user'], 'r', 'Observation'), 'all');
  t.strictSame(scopeCover(scopes, ['user'], 's', 'Observation'), [{ categories: ['x|y'] }]);
  t.equal(scopeCover(scopes, ['user'], 'r', 'Condition'), 'none', 'the level does not suit');
  t.equal(scopeCover(scopes, ['user'], 'r', 'Procedure'), 'none');
  t.equal(scopeCover([], ['user', 'patient', 'system'], 'r', 'Patient'), 'none');
  const code = scopeCover(parseScopes('user/*.rs?category=y'), ['user'], 'r', 'Flag');
  t.ok(covers(code, ['x|y']), 'a code alone means any system');
  t.notOk(covers(code, ['x|z', 'y|x']));
  t.notOk(covers(code, []));
  t.notOk(covers(parseConstraintOf('x|y'), ['z|y']));
});

function parseConstraintOf(category: string): ReturnType<typeof scopeCover> {
  return scopeCover(parseScopes(`user/*.rs?category=${category}`), ['user'], 'r', 'Flag');
}

t.test('rule 1: what a token was not given for is refused or left out', async (t) => {
  const refused = 'scopes forbidden scopes';
  const own = facts({ callerNumbers: ['hmac-p1'] });
  const launched = { launchedFor: 'p0' };
  const table: readonly [
    title: string,
    got: readonly string[] | string,
    wanted: readonly string[] | string,
  ][] = [
    ['no scopes', outcome(staff({}, ''), search('Observation'), facts()), refused],
    ['openid alone', outcome(staff({}, 'openid fhirUser launch'), search('Observation'), facts()), refused],
    ['another type', outcome(staff({}, 'user/Condition.rs'), search('Observation'), facts()), refused],
    ['search without s', outcome(staff({}, 'user/*.r'), search('Observation'), facts()), refused],
    ['read without r', outcome(staff({}, 'user/*.s'), read('Observation'), facts()), refused],
    ['everything needs both', outcome(staff({}, 'user/*.s'), everything(), facts()), refused],
    ['both', outcome(staff({}, 'user/*.r'), everything(), facts()), refused],
    ['everything needs Patient', outcome(staff({}, 'user/Observation.rs'), everything(), facts()), refused],
    ['write is not read', outcome(staff({}, 'user/*.cud'), read('Patient'), facts()), refused],
    [
      'other types of $everything are left out',
      outcome(staff({}, 'user/Patient.rs user/Encounter.rs'), everything(), facts()),
      ['gp-patient', 'acute-patient', 'acute-encounter'],
    ],
    [
      'a type left out of a search is left out wherever it is met',
      outcome(staff({}, 'user/Observation.rs'), search('Observation'), facts()),
      ['gp-lab', 'gp-vital'],
    ],
    [
      'a category',
      outcome(staff({}, `user/Observation.rs?category=${VITAL}`), search('Observation'), facts()),
      ['gp-vital'],
    ],
    [
      'a category, read by id',
      outcome(staff({}, 'user/Observation.rs?category=vital-signs'), read('Observation'), facts()),
      ['gp-vital'],
    ],
    [
      'a category within $everything',
      outcome(staff({}, 'user/Patient.rs user/Observation.rs?category=vital-signs'), everything(), facts()),
      ['gp-patient', 'gp-vital', 'acute-patient'],
    ],
    [
      'patient/ for staff without a launch',
      outcome(staff({}, 'patient/*.rs'), search('Flag'), facts()),
      refused,
    ],
    [
      'patient/ for another person',
      outcome(staff({ launchedFor: 'p2' }, 'patient/*.rs'), search('Flag'), facts()),
      refused,
    ],
    [
      'patient/ for somebody unknown',
      outcome(staff(launched, 'patient/*.rs'), search('Flag'), facts({ person: 'unknown' })),
      refused,
    ],
    [
      'patient/ for the person launched for, merged since',
      outcome(staff(launched, 'patient/Encounter.rs'), search('Encounter'), facts()),
      ['acute-encounter'],
    ],
    ['system/ for a login', outcome(staff({}, 'system/*.rs'), search('Flag'), facts()), refused],
    [
      'system/ where a partner names the user',
      outcome(staff({ namedBy: 'system' }, 'system/Encounter.rs'), search('Encounter'), facts()),
      ['acute-encounter'],
    ],
    ['user/ for a patient', outcome(patient({}, 'user/*.rs'), search('Flag'), own), refused],
    ['user/ for a system', outcome(system({}, 'user/*.rs'), search('Organization'), facts()), refused],
    [
      'patient/ for a patient',
      outcome(patient({}, 'patient/Encounter.rs'), search('Encounter'), own),
      ['acute-encounter'],
    ],
    [
      'a constraint on a directory',
      outcome(system({}, 'system/Organization.rs?category=x'), search('Organization'), facts()),
      refused,
    ],
  ];
  for (const [title, got, wanted] of table) t.strictSame(got, wanted, title);
});

t.test('an NHS number is kept as its keyed hash', async (t) => {
  const key = Buffer.alloc(32, 1);
  // HMAC-SHA256 by another implementation: openssl dgst -sha256 -mac HMAC
  t.equal(
    nhsNumberHmac(key, '9990000018'),
    'ecbf21f502fd59d3db0567ba09bd60c500e5dd7d5c13267295c7155dee66cce1',
  );
  t.not(nhsNumberHmac(Buffer.alloc(32, 2), '9990000018'), nhsNumberHmac(key, '9990000018'));
  for (const text of ['', '999 000 0018', '999000001', '99900000180', '٩٩٩٠٠٠٠٠١٨']) {
    t.throws(() => nhsNumberHmac(key, text), RangeError, JSON.stringify(text));
  }
  t.throws(() => nhsNumberHmac(Buffer.alloc(16), '9990000018'), RangeError);
});
