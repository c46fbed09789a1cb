import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { judgeContribution } from '../../src/identity/contribution.ts';
import { type Demographics, fold, isComparable, sameIdentity } from '../../src/identity/demographics.ts';
import { householdKeys } from '../../src/identity/household.ts';
import { resourceId } from '../../src/identity/resource-id.ts';

const who = (birthDate: string, family: string, given: string): Demographics => ({
  birthDate,
  family,
  given,
});
const ADA = who('1980-05-17', 'lovelace', 'ada');

t.test('names are folded', async (t) => {
  const table: readonly [string, string][] = [
    ["O'Neill-Løvås", 'oneilllovas'],
    ['ÅSA', 'asa'],
    ['Müßig', 'mussig'],
    ['  de  la  Cruz ', 'delacruz'],
    ['Zoë', 'zoe'],
    ['Ｊｏ', 'jo'],
    ['李', '李'],
    ['<script>', 'script'],
    ['123', ''],
    ['', ''],
  ];
  for (const [name, folded] of table) t.equal(fold(name), folded, name);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => fold(fold(name)) === fold(name)));
  fc.assert(
    fc.property(fc.string(), (name) => fold(name.toUpperCase()) === fold(name.toUpperCase().toLowerCase())),
  );
});

t.test('two records are one person, or conflict', async (t) => {
  const table: readonly [string, Demographics, Demographics, boolean][] = [
    ['equal', ADA, ADA, true],
    ['another family name', ADA, who('1980-05-17', 'king', 'ada'), true],
    ['another given name', ADA, who('1980-05-17', 'lovelace', 'augusta'), true],
    ['other names', ADA, who('1980-05-17', 'king', 'augusta'), false],
    ['another birth date', ADA, who('1980-05-18', 'lovelace', 'ada'), false],
    ['no birth date, both names', ADA, who('', 'lovelace', 'ada'), true],
    ['no birth date, one name', ADA, who('', 'lovelace', 'augusta'), false],
    ['a year, both names', ADA, who('1980', 'lovelace', 'ada'), true],
    ['another year', ADA, who('1981', 'lovelace', 'ada'), false],
    ['no names at all', ADA, who('1980-05-17', '', ''), false],
    ['names missing on both sides do not agree', who('1980-05-17', '', ''), who('1980-05-17', '', ''), false],
  ];
  for (const [what, one, other, same] of table) {
    t.equal(sameIdentity(one, other), same, what);
    t.equal(sameIdentity(other, one), same, `${what}, the other way round`);
  }
  t.equal(isComparable(who('', 'lovelace', '')), false);
  t.equal(isComparable(who('1980', 'lovelace', '')), false);
  t.equal(isComparable(who('', 'lovelace', 'ada')), true);
  const part = fc.constantFrom('', 'a', 'b');
  const anybody = fc.record({
    birthDate: fc.constantFrom('', '1980', '1980-05-17', '1999-01-01'),
    family: part,
    given: part,
  });
  fc.assert(fc.property(anybody, (one) => !isComparable(one) || sameIdentity(one, one)));
  fc.assert(
    fc.property(anybody, anybody, (one, other) => sameIdentity(one, other) === sameIdentity(other, one)),
  );
});

t.test('who establishes, takes over or is quarantined', async (t) => {
  const king = who('1980-05-17', 'king', 'ada');
  const other = who('1958-02-02', 'otherwise', 'quentin');
  const by = (precedence: number, demographics: Demographics, bySameSource = false) => ({
    precedence,
    demographics,
    bySameSource,
  });
  t.match(judgeContribution([ADA], 6, undefined), { state: 'accepted', establishes: ADA });
  t.same(judgeContribution([king], 2, by(1, ADA)), { state: 'accepted' }, 'agrees, and is lower');
  t.same(judgeContribution([king], 1, by(1, ADA)), { state: 'accepted' }, 'an equal one takes nothing over');
  t.match(
    judgeContribution([king], 1, by(2, ADA)),
    { state: 'accepted', establishes: king },
    'a higher one takes over',
  );
  t.match(judgeContribution([other], 1, by(2, ADA)), { establishes: other }, 'also where it contradicts');
  t.same(judgeContribution([other], 2, by(1, ADA)), { state: 'quarantined', reason: 'identity-conflict' });
  t.same(judgeContribution([other], 1, by(1, ADA)), { state: 'quarantined', reason: 'identity-conflict' });
  t.match(
    judgeContribution([other], 2, by(2, ADA, true)),
    { establishes: other },
    'a source may correct itself',
  );
  t.match(judgeContribution([ADA, king], 1, undefined), { establishes: ADA });
  t.same(judgeContribution([ADA, other], 1, undefined), { state: 'quarantined', reason: 'duplicate-number' });
  t.same(judgeContribution([ADA, king], 2, by(1, who('1980-05-17', 'lovelace', 'augusta'))), {
    state: 'quarantined',
    reason: 'identity-conflict',
  });
});

t.test('ids of resources are stable, apart, and tell nothing', async (t) => {
  const key = createSecretKey(Buffer.alloc(32, 1));
  t.equal(resourceId(key, 'gp', 'Observation', '1'), '205fc496-a080-5480-f173-3dbf955b349c');
  const parts = fc.tuple(
    fc.string(),
    fc.constantFrom('Observation', 'Patient'),
    fc.stringMatching(/^[a-z0-9.-]{1,8}$/),
    fc.constantFrom('', 'p'),
  );
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const same = one.every((part, index) => part === other[index]);
      return (
        one.join().includes('\0') ||
        other.join().includes('\0') ||
        (resourceId(key, ...one) === resourceId(key, ...other)) === same
      );
    }),
  );
  t.not(
    resourceId(key, 'gp', 'Observation', '1'),
    resourceId(createSecretKey(Buffer.alloc(32, 2)), 'gp', 'Observation', '1'),
  );
});

t.test('a home is known by its UPRN, and by postcode and house however the street is spelt', async (t) => {
  const home = (line: string, postalCode = 'HP7 6CO', use?: string) => ({
    line: [line],
    postalCode,
    ...(use === undefined ? {} : { use }),
  });
  t.strictSame(householdKeys([home('12 High Street')]), ['hp76co 12']);
  t.strictSame(householdKeys([home(' 12 High St. ', 'hp76co')]), ['hp76co 12']);
  t.strictSame(householdKeys([home('12A High Street')]), ['hp76co 12a'], 'another house');
  t.strictSame(householdKeys([home('Flat 2, 12 High Street')]), ['hp76co flat212highstreet']);
  t.strictSame(householdKeys([home('12 High Street', 'HP7 6CO', 'old'), home('')]), []);
  t.strictSame(householdKeys([{ postalCode: 'HP7 6CO' }, { line: ['12 High Street'] }, {}]), []);
  const key = (type: string, value: string) => ({
    extension: [
      {
        url: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-AddressKey',
        extension: [
          { url: 'type', valueCodeableConcept: { coding: [{ code: type }] } },
          { url: 'value', valueString: value },
        ],
      },
    ],
  });
  t.strictSame(householdKeys([key('UPRN', '0100023336956')]), []);
  t.strictSame(
    householdKeys([key('UPRN', '000123336956')]),
    ['uprn 123336956'],
    'zeros before it do not count',
  );
  t.strictSame(householdKeys([key('PAF', '12345678')]), [], 'another key');
});
