import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { londonDay } from '../../src/fhir/london.ts';
import { loadExtract } from '../../src/load.ts';
import { KitReader } from './clients.ts';
import {
  type Child,
  type LookedAfter,
  lookedAfter,
  RETURN_MAPPING,
  writeReturn,
} from './looked-after-children.ts';
import { inParallel } from './reading.ts';
import { realService } from './service.ts';
import { type Json, sharedData } from './shared-data.ts';

/**
 * The tables of the return of looked-after children, brought in by a mapping and nothing else, and read over HTTP. The
 * children are invented by the people who publish the tables.
 */

const data = sharedData();
const skip = data === undefined && 'the shared data is not here (set MCR_SHARED_DATA)';
const TODAY = londonDay(Date.now());
const EVERY = 25;

t.setTimeout(300_000);
t.test('tables of a public return come in by a mapping, and out as FHIR', { skip }, async (t) => {
  const sent = lookedAfter(data ?? '');
  const folder = mkdtempSync(join(tmpdir(), 'mcr-return-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const mapping = join(folder, 'mapping.json');
  writeFileSync(mapping, JSON.stringify(RETURN_MAPPING));
  const council = {
    sector: 'social-care',
    format: 'mapped-csv',
    speaksFor: ['social-care'],
    mapping,
  } as const;
  const { service, fhirBase, token, admin } = await realService(t, ['council'], [], { council });

  const extract = writeReturn(join(folder, '1'), sent.files, TODAY, 1);
  const certificate = await loadExtract(service, 'council', extract);
  const expected = expectation(sent);
  t.match(certificate, { result: 'published' });
  t.comment(JSON.stringify(certificate.timings));
  t.match(certificate.identity, {
    accepted: expected.held.length,
    refused: expected.refused,
    quarantined: { 'nhs-number': expected.misnumbered },
  });
  t.match(certificate.types, {
    EpisodeOfCare: {
      new: count(sent, expected, 'episodes'),
      rejected: { 'nhs-number': expected.lost.episodes },
    },
    Task: {
      new: count(sent, expected, 'reviews') - expected.contradictedHeld,
      rejected: { 'nhs-number': expected.lost.reviews },
    },
    Flag: { new: count(sent, expected, 'missing') },
  });
  const told = await admin.query(
    `select file, rule, count(*)::int as rows from record.reject group by 1, 2 order by 1, 2`,
  );
  t.comment(
    `${expected.held.length} of ${sent.children.length} children held; rejects: ${JSON.stringify(told.rows)}`,
  );

  const kit = new KitReader(fhirBase, token);
  const chosen = sent.children.filter((_, index) => index % EVERY === 0);
  const reads = await inParallel(chosen, 8, async (child) => ({ child, shown: await shownOf(kit, child) }));
  for (const { child, shown } of reads) {
    t.same(shown, expected.held.includes(child) ? shownBy(sent, child) : undefined, `child ${child.id}`);
  }

  // what is no plain table of the mapping is refused in one sentence, and the record stands
  const published = join(data ?? '', 'csc-ssda903-fake', 'sw_episodes.csv');
  const marked = { ...sent.files, episodes: readFileSync(published) };
  t.match(await loadExtract(service, 'council', writeReturn(join(folder, '2'), marked, TODAY, 2)), {
    result: 'refused',
    reason: { rule: 'file-encoding', sentence: /byte order mark/ },
  });
  const census = readFileSync(join(data ?? '', 'csc-cin-census-fake', 'CIN_Census_2021.xml'));
  const xml = { ...sent.files, missing: census };
  t.match(await loadExtract(service, 'council', writeReturn(join(folder, '3'), xml, TODAY, 3)), {
    result: 'refused',
    reason: {
      rule: 'header',
      sentence: /lacks "CHILD", "MISSING", "MIS_START", "MIS_END", and has column 1,/,
    },
  });
  const again = await loadExtract(service, 'council', writeReturn(join(folder, '4'), sent.files, TODAY, 4));
  t.match(again.types, {
    EpisodeOfCare: { new: 0, changed: 0, deleted: 0 },
    Patient: { new: 0, changed: 0 },
  });
});

interface Expectation {
  readonly held: readonly Child[];
  readonly refused: Readonly<Record<string, number>>;
  readonly misnumbered: number;
  /** rows of children whose number is wrong, by table */
  readonly lost: Readonly<Record<keyof LookedAfter['rows'], number>>;
  /** reviews of held children on one day that say different things: none is believed */
  readonly contradictedHeld: number;
}

/** From the rows alone: a child is held who is looked after, for whom agreement is given, and whose number is right. */
function expectation(sent: LookedAfter): Expectation {
  const open = new Set(sent.rows.episodes.filter(({ DEC }) => DEC === '').map(({ CHILD }) => CHILD));
  const cared = sent.children.filter(({ id }) => open.has(id));
  const agreed = cared.filter((child) => child.agreed === 'Y');
  const held = agreed.filter((child) => child.isNumberRight);
  const misnumbered = new Set(agreed.filter((child) => !child.isNumberRight).map(({ id }) => id));
  const lostOf = (table: keyof LookedAfter['rows']): number =>
    sent.rows[table].filter(({ CHILD = '' }) => misnumbered.has(CHILD)).length;
  const ids = new Set(held.map(({ id }) => id));
  const said = new Map<string, Set<string>>();
  for (const { CHILD = '', REVIEW = '', REVIEW_CODE = '' } of sent.rows.reviews) {
    if (!ids.has(CHILD)) continue;
    const of = `${CHILD} ${REVIEW}`;
    said.set(of, (said.get(of) ?? new Set()).add(REVIEW_CODE));
  }
  const contradicted = [...said.values()].filter((codes) => codes.size > 1);
  return {
    held,
    refused: {
      'closed-case': sent.children.length - cared.length,
      'no-agreement': cared.length - agreed.length,
    },
    misnumbered: misnumbered.size,
    lost: { episodes: lostOf('episodes'), reviews: lostOf('reviews'), missing: lostOf('missing') },
    contradictedHeld: contradicted.length,
  };
}

function count(sent: LookedAfter, { held }: Expectation, table: keyof LookedAfter['rows']): number {
  const ids = new Set(held.map(({ id }) => id));
  const rows = sent.rows[table].filter(({ CHILD = '' }) => ids.has(CHILD));
  return new Set(
    rows.map(({ CHILD, DECOM, REVIEW, MIS_START }) => [CHILD, DECOM, REVIEW, MIS_START].join(' ')),
  ).size;
}

type Shown = Readonly<Record<string, readonly string[]>>;

/** What a child's record says over FHIR, a line for each row it came from; undefined: nobody is found. */
async function shownOf(kit: KitReader, { nhsNumber, isNumberRight }: Child): Promise<Shown | undefined> {
  // such a number is not searched for
  if (!isNumberRight) return undefined;
  const { resources: people } = await kit.patients(nhsNumber);
  const [patient] = people;
  if (patient === undefined) return undefined;
  const { resources } = await kit.everything(String(patient['id']), 100);
  const lines = (type: string, line: (resource: Json) => readonly unknown[]): readonly string[] =>
    resources
      .filter(({ resourceType }) => resourceType === type)
      .map((resource) => line(resource).join(' '))
      .sort();
  const at = (resource: Json, element: string): Json => (resource[element] ?? {}) as Json;
  return {
    episodes: lines('EpisodeOfCare', (each) => [
      each['status'],
      at(each, 'period')['start'],
      at(each, 'period')['end'] ?? '',
    ]),
    reviews: lines('Task', (each) => [
      at(each, 'executionPeriod')['end'],
      at(each, 'businessStatus')['text'],
    ]),
    missing: lines('Flag', (each) => [each['status'], at(each, 'code')['text'], at(each, 'period')['start']]),
    person: [`${patient['gender']} ${patient['birthDate']}`],
  };
}

function shownBy(sent: LookedAfter, child: Child): Shown {
  const of = (table: keyof LookedAfter['rows']): LookedAfter['rows'][typeof table] =>
    sent.rows[table].filter(({ CHILD }) => CHILD === child.id);
  const iso = (date = ''): string => date.split('/').reverse().join('-');
  const reviews = of('reviews');
  const codesOn = (day: string | undefined): number =>
    new Set(reviews.filter(({ REVIEW }) => REVIEW === day).map((row) => row['REVIEW_CODE'])).size;
  return {
    episodes: of('episodes')
      .map(({ DECOM, DEC = '' }) => {
        const isOpen = DEC === '' || iso(DEC) >= TODAY;
        return `${isOpen ? 'active' : 'finished'} ${iso(DECOM)} ${iso(DEC)}`;
      })
      .sort(),
    reviews: [
      ...new Set(
        reviews
          .filter(({ REVIEW }) => codesOn(REVIEW) === 1)
          .map(
            ({ REVIEW, REVIEW_CODE }) =>
              `${iso(REVIEW)} ${REVIEW_CODE === 'PN0' ? 'Under four' : REVIEW_CODE}`,
          ),
      ),
    ].sort(),
    missing: of('missing')
      .map(({ MISSING, MIS_START }) =>
        ['inactive', MISSING === 'M' ? 'Missing' : 'Away without authorisation', iso(MIS_START)].join(' '),
      )
      .sort(),
    person: [`${child.gender} ${child.birthDate}`],
  };
}
