import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { categoryTokens, codeTokens, labelsThroughout } from '../../src/fhir/codings.ts';
import { searchLine } from '../../src/fhir/search/extract.ts';
import { servedByCode } from '../../src/fhir/served.ts';
import { OPEN_END } from '../support/planted.ts';

/* Stored rows as a world of the two-worlds oracle has them, and what is made of them for the other world. */

export interface Stored {
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
export type Hides = (row: Stored) => boolean;

/** A number below another, the same sequence for a seed (mulberry32). */
export type Numbers = (below: number) => number;

export function numbers(seed: number): Numbers {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export async function storedOf(client: pg.Client, people: readonly string[]): Promise<readonly Stored[]> {
  const { rows } = await client.query(
    `select person_id::text as "personId", resource_id::text as id, valid_from::text as "from", valid_to::text as "to",
       type, source, labels, category as categories, coalesce(search_line, '') as line, body
     from record.resource_version where person_id = any($1::uuid[]) and body is not null order by resource_id, valid_from`,
    [people],
  );
  return rows.map((row) => ({ ...row, type: servedByCode(row.type) }));
}

/**
 * What is hidden: rows by themselves; texts and medicines that no visible row refers to; a Provenance of hidden rows alone;
 * and what was before the newest version, where that one is hidden.
 */
export function hiddenAmong(rows: readonly Stored[], hides: Hides): ReadonlySet<Stored> {
  const itself = new Set(rows.filter(hides));
  const visible = rows.filter((row) => !itself.has(row) && row.to === OPEN_END);
  const texts = visible.map(({ body }) => body).join('\n');
  const names = new Set(
    visible.map(({ type, id, personId }) => (type === 'Patient' ? `Patient/${personId}` : `${type}/${id}`)),
  );
  const hidden = new Set(
    rows.filter(
      (row) =>
        itself.has(row) ||
        (['Binary', 'Medication'].includes(row.type) && !texts.includes(`"${row.type}/${row.id}"`)) ||
        (row.type === 'Provenance' && !targetsOf(row).some((target) => names.has(target))),
    ),
  );
  const gone = new Set([...hidden].filter(({ to }) => to === OPEN_END).map(({ id }) => id));
  for (const row of rows) if (gone.has(row.id)) hidden.add(row);
  return hidden;
}

function targetsOf({ body }: Stored): readonly string[] {
  const { target = [] } = JSON.parse(body) as {
    readonly target?: readonly { readonly reference?: string }[];
  };
  return target.flatMap(({ reference }) => reference ?? []);
}

/** What a hidden row might as well say: another row's content, its references turned to rows that may be seen. */
export function disguised(
  row: Stored,
  rows: readonly Stored[],
  hidden: ReadonlySet<Stored>,
  next: Numbers,
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
  // what it is hidden by stays: its labels, its category, and what a Provenance is about
  return {
    ...rest,
    id: own.id,
    meta: { ...own.meta, lastUpdated },
    ...('category' in own && { category: own.category }),
    ...(row.type === 'Provenance' && { target: own.target }),
  };
}

/** A row with another text; its labels stay as they are where none are given. */
export interface Change {
  readonly row: Stored;
  readonly resource: object;
  readonly labels?: readonly string[];
}

const envelope = ({ row, resource, labels }: Change) => ({
  person_id: row.personId,
  resource_id: row.id,
  valid_from: row.from,
  body: JSON.stringify(resource),
  search_line: row.type === 'Patient' ? '' : searchLine(resource),
  category: categoryTokens(resource),
  codes: codeTokens(resource),
  labels: labels ?? row.labels,
});

const RECORDSET = `jsonb_to_recordset($1::jsonb) as x(person_id uuid, resource_id uuid, new_id uuid, valid_from bigint, body text,
  search_line text, category text[], codes text[], labels text[])`;

export async function rewrite(client: pg.Client, changes: readonly Change[]): Promise<void> {
  await client.query(
    `update record.resource_version v set body = x.body, search_line = x.search_line, category = x.category,
       codes = x.codes, labels = x.labels
     from ${RECORDSET} where v.person_id = x.person_id and v.resource_id = x.resource_id and v.valid_from = x.valid_from`,
    [JSON.stringify(changes.map(envelope))],
  );
}

/** Adds each as a further resource beside its row. */
export async function addAlike(client: pg.Client, changes: readonly Change[]): Promise<void> {
  const copies = changes.map((change) => {
    const id = randomUUID();
    return { ...envelope({ ...change, resource: { ...change.resource, id } }), new_id: id };
  });
  await client.query(
    `insert into record.resource_version (person_id, valid_to, resource_id, valid_from, source, type, category, labels, codes,
       content_hash, search_line, body)
     select v.person_id, v.valid_to, x.new_id, v.valid_from, v.source, v.type, x.category, x.labels, x.codes,
       v.content_hash, x.search_line, x.body
     from ${RECORDSET} join record.resource_version v
       on v.person_id = x.person_id and v.resource_id = x.resource_id and v.valid_from = x.valid_from`,
    [JSON.stringify(copies)],
  );
}

/** @param withNames the ids of what is wholly gone are no longer known either */
export async function remove(client: pg.Client, rows: readonly Stored[], withNames: boolean): Promise<void> {
  await client.query(
    `delete from record.resource_version v using ${RECORDSET}
     where v.person_id = x.person_id and v.resource_id = x.resource_id and v.valid_from = x.valid_from`,
    [
      JSON.stringify(
        rows.map((row) => ({ person_id: row.personId, resource_id: row.id, valid_from: row.from })),
      ),
    ],
  );
  if (!withNames) return;
  await client.query(
    `delete from record.resource_key k where resource_id = any($1::uuid[])
       and not exists (select from record.resource_version v where v.person_id = k.person_id and v.resource_id = k.resource_id)`,
    [rows.map(({ id }) => id)],
  );
}

const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const OWN = 'https://mycarerecord.example/fhir/CodeSystem/label';

type Label = readonly [system: string, code: string];

/** Some hide from everybody, some from the person alone, some from nobody; where there are two, the second may be it. */
const LABELS: readonly (readonly Label[])[] = [
  [[CONFIDENTIALITY, 'R']],
  [[CONFIDENTIALITY, 'V']],
  [
    ['https://partner.example/label', 'seen'],
    [CONFIDENTIALITY, 'R'],
  ],
  [[ACT_CODE, 'NOPAT']],
  [[OWN, 'third-party']],
  [[CONFIDENTIALITY, 'N']],
];

/** Labels some of the rows at random, as their authors might have. */
export function labelledAtRandom(rows: readonly Stored[], next: Numbers): readonly Change[] {
  const oneIn = 2 + next(6);
  return rows.flatMap((row): Change[] => {
    if (next(oneIn) > 0 || row.labels.length > 0 || (row.type === 'Patient' && next(3) > 0)) return [];
    const labels = LABELS[next(LABELS.length)] ?? [];
    const body = JSON.parse(row.body);
    const security = labels.map(([system, code]) => ({ system, code }));
    const resource = { ...body, meta: { ...body.meta, security } };
    return [{ row, resource, labels: labelsThroughout(resource) }];
  });
}

/** Elements that the trust does not share of its rows: there all the same, something else each time, or not there. */
export async function changeHiddenElements(
  client: pg.Client,
  rows: readonly Stored[],
  sourceNumber: number,
  next: Numbers,
): Promise<void> {
  const gone = next(3) === 0;
  const changes = rows
    .filter(({ source, type }) => source === sourceNumber && ['Patient', 'Encounter'].includes(type))
    .map((row): Change => {
      const { telecom, address, reasonCode, location, ...rest } = JSON.parse(row.body);
      if (gone) return { row, resource: rest };
      return { row, resource: { ...rest, ...hiddenElements(row.type, next) } };
    });
  await rewrite(client, changes);
}

function hiddenElements(type: string, next: Numbers): object {
  if (type === 'Patient')
    return {
      telecom: [{ system: 'phone', value: `01632 9600${10 + next(80)}` }],
      address: [{ postalCode: `ZZ${next(9)} 1ZZ` }],
    };
  return {
    reasonCode: [{ text: `reason ${next(99)}`, coding: [{ code: `${next(99)}` }] }],
    location: [{ location: { reference: `Location/${randomUUID()}` } }],
  };
}
