import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import t from 'tap';
import { categoryTokens, codeTokens } from '../../src/fhir/codings.ts';
import { searchLine } from '../../src/fhir/search/extract.ts';
import { servedByCode } from '../../src/fhir/served.ts';
import { questionsAbout } from '../support/generated-questions.ts';
import { personIds } from '../support/hard-case-people.ts';
import { GP } from '../support/hard-cases.ts';
import { behind, comparable, given, nextOf, unaccounted } from '../support/planted.ts';
import { type TestAnswer, testService } from '../support/service.ts';
import { plantTangledRecord } from '../support/tangled-record.ts';

/*
 * G-1, two worlds: where only rows change that a caller may not see, nothing changes in any answer to them. G-2: what an
 * answer gives out is in the account of it. Asked are generated questions over all that a search, a version and a whole
 * record take. What is hidden from whom is written out here, and not taken from the service.
 */

const QUESTIONS = 220;
const SEED = 20261125;

interface Stored {
  readonly personId: string;
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly type: string;
  readonly source: number;
  readonly labels: readonly string[];
  readonly categories: readonly string[];
  readonly line: string;
  readonly body: string;
}

/** Whether a stored row is hidden from a caller by itself. */
type Hides = (row: Stored) => boolean;

const labelled =
  (codes: readonly string[]): Hides =>
  (row) =>
    row.labels.some((label) => codes.includes(label.slice(label.indexOf('|') + 1)));
const RESTRICTED = labelled(['R', 'V']);
const NOT_FOR_PATIENT = labelled(['R', 'V', 'NOPAT']);
const VITAL = 'http://terminology.hl7.org/CodeSystem/observation-category|vital-signs';
const only =
  (types: readonly string[]): Hides =>
  (row) =>
    RESTRICTED(row) || !types.includes(row.type);

async function stored(client: pg.Client, people: readonly string[]): Promise<readonly Stored[]> {
  const { rows } = await client.query(
    `select person_id::text as "personId", resource_id::text as id, valid_from::text as "from", valid_to::text as "to",
       type, source, labels, category as categories, search_line as line, body
     from record.resource_version where person_id = any($1::uuid[]) order by resource_id, valid_from`,
    [people],
  );
  return rows.map((row) => ({ ...row, type: servedByCode(row.type) }));
}

/** Numbers that are the same for a seed (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What a hidden row might as well say: another row's content, its references turned to rows that may be seen. */
function disguised(
  row: Stored,
  rows: readonly Stored[],
  hidden: ReadonlySet<Stored>,
  next: (below: number) => number,
): object {
  const alike = rows.filter((one) => one.type === row.type);
  const open = alike.filter((one) => !hidden.has(one));
  const from = open.length > 0 ? open : alike;
  const donor = JSON.parse((from[next(from.length)] ?? row).body);
  const own = JSON.parse(row.body);
  const turned = JSON.stringify(donor).replace(/"([A-Z][A-Za-z]+)\/([0-9a-f-]{36})"/g, (whole, type) => {
    const others = rows.filter((one) => one.type === type && !hidden.has(one));
    return type === 'Patient' || others.length === 0 ? whole : `"${type}/${others[next(others.length)]?.id}"`;
  });
  const lastUpdated = new Date(Date.UTC(2020 + next(12), next(12), 1 + next(28))).toISOString();
  const { category: _theirs, ...rest } = JSON.parse(turned);
  // what it is hidden by stays: its labels, and its category
  return {
    ...rest,
    id: own.id,
    meta: { ...own.meta, lastUpdated },
    ...('category' in own && { category: own.category }),
  };
}

async function rewrite(client: pg.Client, row: Stored, resource: object): Promise<void> {
  await client.query(
    `update record.resource_version set body = $1, search_line = $2, category = $3, codes = $4
      where person_id = $5 and resource_id = $6 and valid_from = $7`,
    [
      JSON.stringify(resource),
      row.type === 'Patient' ? '' : searchLine(resource),
      categoryTokens(resource),
      codeTokens(resource),
      row.personId,
      row.id,
      row.from,
    ],
  );
}

async function copy(client: pg.Client, row: Stored, resource: object): Promise<void> {
  const id = randomUUID();
  const moved = { ...resource, id };
  await client.query(
    `insert into record.resource_version (person_id, valid_to, resource_id, valid_from, source, type, category, labels, codes,
       content_hash, search_line, body)
     select person_id, valid_to, $1, valid_from, source, type, $2, labels, $3, content_hash, $4, $5
     from record.resource_version where person_id = $6 and resource_id = $7 and valid_from = $8`,
    [
      id,
      categoryTokens(moved),
      codeTokens(moved),
      searchLine(moved),
      JSON.stringify(moved),
      row.personId,
      row.id,
      row.from,
    ],
  );
}

t.test('G-1, G-2: what is hidden changes no answer, and what is given out is accounted for', async (t) => {
  const service = await testService(t, { people: 60 }, (configuration) => {
    configuration['limits'] = { requestsPerMinute: 1_000_000, peoplePerUserHour: 1_000_000 };
  });
  const client = await behind(t, service);
  const people = await personIds(service);
  const personOf = (name: string): string => people.get(service.person(name).nhsNumber ?? '') ?? '';
  const [tangled, child, trust] = [personOf('record-of-50'), personOf('child-agreed'), personOf('elements')];
  await plantTangledRecord(client, tangled, personOf('only-gp'));
  // the hospital's Observations of the child carry labels, so that every kind of row has hidden and visible ones
  await client.query(
    `update record.resource_version set labels = '{|R}' where person_id = $1 and type in (3, 7, 8, 17) and get_byte(uuid_send(resource_id), 15) % 2 = 0`,
    [child],
  );
  const social = new Set(
    (
      await client.query(`select number from record.source where code in ('lcs', 'adult-social-care')`)
    ).rows.map(({ number }) => number),
  );
  const citizen = (name: string) =>
    service.token({ kind: 'patient', nhsNumber: service.person(name).nhsNumber ?? '' });
  const narrow = ['Patient', 'Observation', 'Encounter', 'DiagnosticReport'];
  const unagreed = async () => {
    await client.query('update record.agreement set given = false where person_id = $1', [child]);
    await client.query('update record.person set epoch = epoch + 1 where person_id = $1', [child]);
  };
  const cases: readonly {
    readonly name: string;
    readonly person: string;
    readonly token: string;
    readonly hides: Hides;
    readonly first?: () => Promise<void>;
  }[] = [
    { name: 'staff, labels', person: tangled, token: await service.token(GP), hides: RESTRICTED },
    {
      name: 'the person, labels',
      person: tangled,
      token: await citizen('record-of-50'),
      hides: NOT_FOR_PATIENT,
    },
    {
      name: 'staff, scopes with a category',
      person: tangled,
      token: await service.token({
        ...GP,
        scope:
          'user/Patient.rs user/Encounter.rs user/DiagnosticReport.rs user/Observation.rs?category=vital-signs',
      }),
      hides: (row) => only(narrow)(row) || (row.type === 'Observation' && !row.categories.includes(VITAL)),
    },
    {
      name: 'a receptionist, by role',
      person: child,
      token: await service.token({ ...GP, role: 'receptionist', user: 'r-1' }),
      hides: only(['Patient', 'RelatedPerson', 'Encounter', 'Appointment', 'EpisodeOfCare']),
    },
    {
      name: 'staff, social care that is not agreed to',
      person: child,
      token: await service.token({
        ...GP,
        organisation: 'bucks-council',
        role: 'social-worker',
        user: 'sw-1',
      }),
      // letters are no part of the council's base
      hides: (row) =>
        RESTRICTED(row) || social.has(row.source) || ['DocumentReference', 'Binary'].includes(row.type),
      first: unagreed,
    },
    {
      name: 'staff, a part of which elements are hidden',
      person: trust,
      token: await service.token(GP),
      hides: RESTRICTED,
    },
  ];

  for (const [index, { name, person, token, hides, first }] of cases.entries()) {
    await t.test(name, async (t) => {
      await first?.();
      const rows = await stored(client, [person]);
      const byRow = new Set(rows.filter(hides));
      // a text is seen with a letter that refers to it, a medicine with its prescription
      const visible = rows.filter((row) => !byRow.has(row) && row.to === OPEN);
      const hidden = new Set(
        rows.filter(
          (row) =>
            byRow.has(row) ||
            (['Binary', 'Medication'].includes(row.type) &&
              !visible.some(({ body }) => body.includes(`"${row.type}/${row.id}"`))),
        ),
      );
      // where the newest version is hidden, older ones are
      for (const row of rows)
        if ([...hidden].some((one) => one.id === row.id && one.to === OPEN)) hidden.add(row);
      const known = rows.map(({ type, id, from, line }) => ({
        type,
        id,
        version: Number(from),
        line: line ?? '',
      }));
      const questions = questionsAbout(person, known, QUESTIONS, SEED + index);
      const answers = async (
        check = async (_answer: TestAnswer, _question: string) => {},
      ): Promise<ReadonlyMap<string, string>> => {
        const found = new Map<string, string>();
        for (const question of questions) {
          let path: string | undefined = question;
          for (let page = 0; path !== undefined && page < 3; page += 1) {
            const answer: TestAnswer = await service.get(path, token);
            if (![200, 403, 404].includes(answer.status)) t.fail(`${question}: ${answer.text.slice(0, 300)}`);
            await check(answer, question);
            found.set(`${question} page ${page}`, comparable(answer));
            path = nextOf(answer);
          }
        }
        return found;
      };
      const versions = new Set([...hidden].map((row) => `${row.id}/${row.from}`));
      const openAndAccountedFor = async (answer: TestAnswer, question: string): Promise<void> => {
        const shown = given(answer).filter(
          ({ resourceType, id, meta }) =>
            resourceType !== 'Patient' && versions.has(`${id}/${meta?.versionId}`),
        );
        if (shown.length > 0)
          t.fail(
            `${question} gives out ${shown.map(({ resourceType, id }) => `${resourceType}/${id}`).join()}`,
          );
        const missing = await unaccounted(client, answer);
        if (missing.length > 0) t.fail(`${question} does not account for ${missing.join()}`);
      };
      await client.query(
        'create temp table kept as select * from record.resource_version where person_id = $1',
        [person],
      );
      const restore = async (): Promise<void> => {
        await client.query('delete from record.resource_version where person_id = $1', [person]);
        await client.query('insert into record.resource_version select * from kept');
      };
      const world = await answers(openAndAccountedFor);
      const same = async (what: string): Promise<void> => {
        const other = await answers();
        const differing = [...world].filter(([question, answer]) => other.get(question) !== answer);
        for (const [question, answer] of differing.slice(0, 3))
          t.comment(`${question}: ${apart(answer, other.get(question) ?? '')}`);
        t.strictSame(
          [differing.map(([question]) => question), other.size],
          [[], world.size],
          `${what}: no answer tells`,
        );
        await restore();
      };
      const next = numbers(SEED + index);
      const changing = [...hidden];
      for (const row of changing) await rewrite(client, row, disguised(row, rows, hidden, next));
      await hiddenElements(client, person, next);
      await same('hidden rows say something else');
      for (const row of changing)
        await client.query(
          'delete from record.resource_version where person_id = $1 and resource_id = $2 and valid_from = $3',
          [row.personId, row.id, row.from],
        );
      await same('hidden rows are gone');
      for (const row of changing.filter(({ type }) => type !== 'Patient'))
        for (let n = 0; n < 3; n += 1) await copy(client, row, disguised(row, rows, hidden, next));
      await same('there are more hidden rows');
      // and the questions are such as would tell: were the labelled rows open, many answers would be others
      const [asked, found] = [
        world.size,
        [...world.values()].filter((answer) => answer.startsWith('[200,') && answer.includes('fullUrl'))
          .length,
      ];
      t.ok(found > asked / 12, `${found} of ${asked} answers hold something`);
      if (![...byRow].some(RESTRICTED)) return;
      await client.query(`update record.resource_version set labels = '{}' where person_id = $1`, [person]);
      const opened = await answers();
      const told = [...world].filter(([question, answer]) => opened.get(question) !== answer).length;
      t.ok(told > asked / 100, `${told} of ${asked} would be others`);
      await restore();
    });
    await client.query('drop table if exists kept');
  }
});

const OPEN = '9223372036854775807';

/** Where two answers part. */
function apart(one: string, other: string): string {
  const at = [...one].findIndex((character, index) => character !== other[index]);
  return `${one.slice(Math.max(0, at - 60), at + 60)} | ${other.slice(Math.max(0, at - 60), at + 60)}`;
}

/** What the trust does not share of its rows is there all the same: something else each time. */
async function hiddenElements(
  client: pg.Client,
  person: string,
  next: (below: number) => number,
): Promise<void> {
  const { rows } = await client.query(
    `select resource_id::text as id, valid_from::text as "from", type, body from record.resource_version
      where person_id = $1 and type in (1, 7) and source = (select number from record.source where code = 'mental-health')`,
    [person],
  );
  for (const { id, from, type, body } of rows) {
    const elements =
      type === 1
        ? {
            telecom: [{ system: 'phone', value: `01632 9600${10 + next(80)}` }],
            address: [{ postalCode: `ZZ${next(9)} 1ZZ` }],
          }
        : {
            reasonCode: [{ text: `reason ${next(99)}`, coding: [{ code: `${next(99)}` }] }],
            location: [{ location: { reference: `Location/${randomUUID()}` } }],
          };
    const resource = { ...JSON.parse(body), ...elements };
    await client.query(
      `update record.resource_version set body = $1, search_line = $2 where person_id = $3 and resource_id = $4 and valid_from = $5`,
      [JSON.stringify(resource), type === 1 ? '' : searchLine(resource), person, id, from],
    );
  }
}
