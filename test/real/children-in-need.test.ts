import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { syntheticNhsNumber } from '../../demo/county/nhs-number.ts';
import type { Certificate } from '../../src/loads/certificate.ts';
import { TABLES } from '../../src/loads/lcs/tables.ts';
import { folder, type Tables } from '../loads/lcs-folder.ts';
import type { Given } from '../loads/lcs-rows.ts';
import { loader, TODAY } from '../loads/world.ts';
import { sharedData } from './shared-data.ts';

/**
 * Published children's social care that does not come as the tables of LCS: the census of children in need (XML) and the
 * daily feed to the department (JSON). Neither is a format that is taken; their rows are written as an LCS folder, as a
 * council's export would, and brought in by the real loader. The children are invented by the people who publish them; what
 * the files lack is put beside each: a name, an NHS number, an agreement.
 */

const data = sharedData();
const skip = data === undefined && 'the shared data is not here (set MCR_SHARED_DATA)';

interface Referral {
  readonly on: string;
  readonly closed: string;
  readonly reason: string;
  readonly noAction: boolean;
}

interface CensusChild {
  readonly id: string;
  readonly born: string;
  readonly died: string;
  readonly sex: string;
  readonly referrals: readonly Referral[];
  readonly agreed: boolean;
  readonly verified: boolean;
}

const cell = (text: string, name: string): string =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? '';
const blocks = (text: string, name: string): readonly string[] =>
  [...text.matchAll(new RegExp(`<${name}>[\\s\\S]*?</${name}>`, 'g'))].map(([block]) => block);

function census(xml: string): readonly CensusChild[] {
  return blocks(xml, 'Child').map((child, index) => ({
    id: cell(child, 'LAchildID'),
    born: cell(child, 'PersonBirthDate'),
    died: cell(child, 'PersonDeathDate'),
    sex: { '1': 'M', '2': 'F' }[cell(child, 'GenderCurrent')] ?? 'U',
    agreed: index % 10 !== 3,
    verified: index % 17 !== 5,
    referrals: blocks(child, 'CINdetails').map((details) => ({
      on: cell(details, 'CINreferralDate'),
      closed: cell(details, 'CINclosureDate'),
      reason: cell(details, 'ReasonForClosure'),
      noAction: cell(details, 'ReferralNFA') === 'true',
    })),
  }));
}

const agreement = (id: string, given: boolean): Given => ({
  agre_agreement_id: `a-${id}`,
  agre_person_id: id,
  agre_given: given ? 'Y' : 'N',
  agre_recorded_date: '2026-01-01',
});

/** @param asPublished false: the flag of no further action, which the published file sets everywhere, is left out */
function tablesOf(children: readonly CensusChild[], asPublished: boolean): Tables {
  return {
    ssd_person: children.map((child, index) => ({
      pers_person_id: child.id,
      pers_forename: 'Child',
      pers_surname: `Number${index}`,
      pers_sex: child.sex,
      pers_dob: child.born,
      pers_death_date: child.died,
      pers_common_child_id: syntheticNhsNumber(index),
      mcr_nhs_number_status: child.verified ? '01' : '02',
    })),
    ssd_cin_episodes: children.flatMap(({ id, referrals }) =>
      referrals.map(({ on, closed, reason, noAction }, index) => ({
        cine_referral_id: `${id}-${index}`,
        cine_person_id: id,
        cine_referral_date: on,
        cine_referral_nfa: asPublished && noAction ? 'Y' : '',
        cine_close_reason: reason,
        cine_close_date: closed,
      })),
    ),
    mcr_sharing_agreements: children.map(({ id, agreed }) => agreement(id, agreed)),
  };
}

const isOpen = ({ on, closed }: Referral): boolean => on <= TODAY && (closed === '' || closed >= TODAY);

/** `RC1`: the child was adopted; whatever else is open is of an identity that was left behind. */
const fateOf = ({ referrals, agreed, verified }: CensusChild): string =>
  !referrals.some(isOpen) || referrals.some(({ reason }) => reason === 'RC1')
    ? 'closed-case'
    : !agreed
      ? 'no-agreement'
      : verified
        ? 'held'
        : 'unverified';

function counted(values: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const value of [...values].sort()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** In a form that can be quoted. */
function told(what: string, { files, types, identity }: Certificate): string {
  const rows = files.filter((file) => file.rows > 0).map(({ type, rows: sent }) => `${type} ${sent}`);
  const stored = Object.entries(types).filter(([, tally]) => tally.new > 0);
  const rejected = Object.entries(types).flatMap(([type, tally]) =>
    Object.entries(tally.rejected).map(([rule, count]) => `${type} ${rule} ${count}`),
  );
  const refused = Object.entries(identity.refused).map(([reason, count]) => `${reason} ${count}`);
  return [
    `${what}: rows in: ${rows.join(', ')}`,
    `stored: ${stored.map(([type, tally]) => `${type} ${tally.new}`).join(', ') || 'none'}`,
    `not held: ${refused.join(', ') || 'none'}`,
    `rejected: ${rejected.join(', ') || 'none'}`,
  ].join('; ');
}

t.setTimeout(120_000);
t.test('the census of children in need comes in as an LCS folder', { skip }, async (t) => {
  const folderOf = join(data ?? '', 'csc-cin-census-fake');
  const world = await loader(t);
  const children = census(readFileSync(join(folderOf, 'fake_CIN_data.xml'), 'utf8'));
  t.ok(children.length > 300);
  const published = await world.load(folder(1, tablesOf(children, true)));
  t.comment(told('CIN census as published (every referral says no further action)', published));
  t.match(published, {
    result: 'published',
    identity: { accepted: 0, refused: { 'closed-case': children.length } },
  });
  t.same(
    await world.rows('select 1 from record.resource_version'),
    [],
    'nobody has an open case: nothing is held',
  );

  const opened = await world.load(folder(2, tablesOf(children, false)));
  t.comment(told('CIN census without that flag', opened));
  const fates = counted(children.map(fateOf));
  t.ok(['held', 'no-agreement', 'closed-case', 'unverified'].every((fate) => (fates[fate] ?? 0) > 0));
  t.match(opened.identity, {
    accepted: fates['held'],
    unmatched: fates['unverified'],
    refused: { 'closed-case': fates['closed-case'], 'no-agreement': fates['no-agreement'] },
  });
  const held = children.filter((child) => fateOf(child) === 'held');
  t.match(opened.types, {
    Patient: { new: held.length, rejected: { unverified: fates['unverified'] } },
    EpisodeOfCare: { new: held.flatMap(({ referrals }) => referrals.filter(isOpen)).length },
  });
  const bodies = await world.rows('select string_agg(body, chr(10)) as text from record.resource_version');
  t.notMatch(String(bodies[0]?.['text']), /RC\d|\bN\d\b|RND.*UPN/, 'no reason of closure, no primary need');

  // the small files of the same folder, with cases of their own
  for (const [index, name] of readdirSync(folderOf).sort().entries()) {
    if (!name.endsWith('.xml') || name === 'fake_CIN_data.xml') continue;
    const own = await loader(t);
    const few = census(readFileSync(join(folderOf, name), 'utf8'));
    const certificate = await own.load(folder(index + 1, tablesOf(few, false)));
    t.comment(told(name, certificate));
    t.equal(certificate.result, 'published', name);
    const fate = counted(few.map(fateOf));
    t.equal(certificate.identity.accepted, fate['held'] ?? 0, name);
  }
});

interface Payload {
  readonly la_child_id: string;
  readonly child_details: {
    readonly first_name: string;
    readonly surname: string;
    readonly date_of_birth: string;
  };
  readonly social_care_episodes: readonly Readonly<Record<string, unknown>>[];
}

t.test('a child of the daily feed to the department comes in as an LCS folder', { skip }, async (t) => {
  const file = join(data ?? '', 'csc-dfe-api-payload', 'child-payload-sample.json');
  const {
    la_child_id: id,
    child_details: who,
    social_care_episodes: episodes,
  } = JSON.parse(readFileSync(file, 'utf8')) as Payload;
  const many = (of: Readonly<Record<string, unknown>>, name: string) =>
    (of[name] ?? []) as readonly Readonly<Record<string, string>>[];
  const tables = (isOver: boolean): Tables => ({
    ssd_person: [
      {
        pers_person_id: id,
        pers_forename: who.first_name,
        pers_surname: who.surname,
        pers_dob: who.date_of_birth,
        pers_common_child_id: syntheticNhsNumber(1),
        mcr_nhs_number_status: '01',
      },
    ],
    ssd_cin_episodes: episodes.map((of) => ({
      cine_referral_id: String(of['social_care_episode_id']),
      cine_person_id: id,
      cine_referral_date: String(of['referral_date']),
      cine_close_reason: isOver ? String(of['closure_reason']) : '',
      cine_close_date: isOver ? String(of['closure_date']) : '',
    })),
    ssd_cin_plans: episodes.flatMap((of) =>
      many(of, 'child_in_need_plans').map((plan) => ({
        cinp_cin_plan_id: String(plan['child_in_need_plan_id']),
        cinp_person_id: id,
        cinp_cin_plan_start_date: String(plan['start_date']),
        cinp_cin_plan_end_date: isOver ? String(plan['end_date']) : '',
      })),
    ),
    ssd_cp_plans: episodes.flatMap((of) =>
      many(of, 'child_protection_plans').map((plan) => ({
        cppl_cp_plan_id: String(plan['child_protection_plan_id']),
        cppl_person_id: id,
        cppl_cp_plan_start_date: String(plan['start_date']),
        cppl_cp_plan_end_date: isOver ? String(plan['end_date']) : '',
      })),
    ),
    mcr_sharing_agreements: [agreement(id, true)],
  });
  const world = await loader(t);
  const published = await world.load(folder(1, tables(true)));
  t.comment(told('DfE payload as published (everything has ended)', published));
  t.match(published, { result: 'published', identity: { accepted: 0, refused: { 'closed-case': 1 } } });
  const opened = await world.load(folder(2, tables(false)));
  t.comment(told('DfE payload while the case is open', opened));
  t.match(opened, {
    result: 'published',
    types: { Patient: { new: 1 }, EpisodeOfCare: { new: 1 }, CarePlan: { new: 2 }, Flag: { new: 1 } },
  });
});

t.test(
  'the names of LCS tables and columns are those of the Standard Safeguarding Dataset',
  { skip },
  async (t) => {
    // it is a specification, without rows: what it has to say is what tables and columns are called
    const objects = join(data ?? '', 'csc-safeguarding-dataset', 'objects');
    let columns = 0;
    for (const [table, ours] of Object.entries(TABLES)) {
      if (!table.startsWith('ssd_')) continue;
      const specified = new Set(
        [...readFileSync(join(objects, `${table}.yml`), 'utf8').matchAll(/^ {2}- name: (\S+)/gm)].map(
          ([, name]) => name,
        ),
      );
      const unknown = Object.keys(ours).filter((name) => !name.startsWith('mcr_') && !specified.has(name));
      columns += Object.keys(ours).length;
      t.same(unknown, [], table);
    }
    t.comment(
      `${columns} columns of ${Object.keys(TABLES).filter((name) => name.startsWith('ssd_')).length} tables`,
    );
  },
);
