import type { PatientPhase } from '../../loads/ports.ts';
import type {
  Contribution,
  JudgedContribution,
  PatientFault,
  PatientRecord,
  PatientState,
  RestrictedRow,
  RowPlace,
} from '../../loads/records.ts';
import { barWithoutAgreement } from './care.ts';
import { contributions } from './contributions.ts';
import { holdBackUnread, OTHER_PATIENTS } from './deltas.ts';
import { matchedNumbers } from './matched.ts';
import { type PlaceRow, toPlace } from './place.ts';
import { inTransaction, run, type Work } from './work.ts';

const FAULTS: readonly PatientFault[] = [
  'no-nhs-number',
  'nhs-number',
  'nhs-number-status',
  'test-number',
  'unverified',
  'demographics-missing',
  'duplicate-id',
];
const UNMATCHED: readonly PatientFault[] = ['no-nhs-number', 'unverified'];

const FROM_STORED = `
select sp.local_id, r.line, sp.content_hash, false, case when sp.reason = any($2) then sp.reason end, sp.state,
  sp.reason, sp.person_id, sp.nhs_number, sp.custodian, sp.restricted, sp.birth_date, sp.family, sp.given, sp.names,
  sp.households
from record.source_patient sp`;

const INTO = `insert into load_patient (local_id, line, hash, changed, fault, state, reason, person_id, nhs_number,
  custodian, restricted, birth_date, family, given, names, households)`;

/** The source's own patients in the working tables: read, judged, and compared with what is stored. */
export class StoredPatients implements PatientPhase {
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
  }

  async recognise(file: number, takesTestNumbers: boolean): Promise<void> {
    const { source } = this.#work;
    await run(this.#work, 'analyze load_row');
    await run(
      this.#work,
      // about whom somebody has decided is read anew: what is stored may be from before
      `${INTO} ${FROM_STORED} join load_row r on r.file = $3 and r.hash = sp.content_hash where sp.source = $1
         and not exists (select from record.matching_decision d where d.source = $1 and d.local_id = sp.local_id)
         -- and so is a row that was judged while test numbers were taken otherwise
         and coalesce(sp.reason = 'test-number', false) = ($4 and coalesce(sp.nhs_number ~ '^9', false))`,
      [source.number, FAULTS, file, !takesTestNumbers],
    );
    await run(
      this.#work,
      `insert into load_patient_todo select r.line, r.start, r.length, r.hash from load_row r
       where r.file = $1 and not exists (select from load_patient p where p.hash = r.hash)`,
      [file],
    );
    await run(this.#work, 'create index on load_patient_todo (line)');
  }

  async unread(afterLine: number, limit: number): Promise<readonly RowPlace[]> {
    const rows = await run<PlaceRow>(
      this.#work,
      'select 0 as file, line, start, length, hash from load_patient_todo where line > $1 order by line limit $2',
      [afterLine, limit],
    );
    return rows.map(toPlace);
  }

  matched(): Promise<ReadonlyMap<string, string>> {
    return matchedNumbers(this.#work);
  }

  async add(patients: readonly PatientRecord[]): Promise<void> {
    if (patients.length === 0) return;
    const rows = patients.map((patient) => ({
      ...patient,
      ...patient.demographics,
      hash: `\\x${patient.hash.toString('hex')}`,
    }));
    await run(
      this.#work,
      `${INTO} select "localId", line, hash, true, fault, 'candidate', null, null, "nhsNumber", custodian, restricted,
         "birthDate", family, given, names, households
       from json_to_recordset($1) as t("localId" text, line int, hash bytea, fault text, "nhsNumber" text,
         custodian text, restricted boolean, "birthDate" text, family text, given text, names text[],
         households text[])`,
      [JSON.stringify(rows)],
    );
  }

  async keep(localIds: readonly string[]): Promise<void> {
    if (localIds.length === 0) return;
    await run(
      this.#work,
      `${INTO} ${FROM_STORED} cross join (select 0 as line) r where sp.source = $1 and sp.local_id = any($3)`,
      [this.#work.source.number, FAULTS, localIds],
    );
  }

  async restrict(rows: readonly RestrictedRow[]): Promise<void> {
    if (rows.length === 0) return;
    const named = rows.filter((row) => row.localId !== undefined);
    const ids = named.map((row) => row.localId);
    await run(
      this.#work,
      `insert into load_restricted select unnest($1::text[])
       union all
       select sp.nhs_number from record.source_patient sp
       where sp.source = $2 and sp.local_id = any($3) and sp.nhs_number is not null`,
      [rows.flatMap((row) => row.nhsNumbers), this.#work.source.number, ids],
    );
    // what stands as it was known is restricted from now on, until a row without the flag is read
    await run(
      this.#work,
      `update load_patient p set restricted = true, changed = true, hash = r.hash
       from unnest($1::text[], $2::bytea[]) r(local_id, hash) where p.local_id = r.local_id and p.line = 0`,
      [ids, named.map((row) => row.hash)],
    );
  }

  async merge(): Promise<void> {
    if (this.#work.kind === 'delta') {
      await run(this.#work, `${INTO} ${FROM_STORED} ${OTHER_PATIENTS}`, [this.#work.source.number, FAULTS]);
    }
    await run(this.#work, 'create index load_patient_id on load_patient (local_id)');
    await run(this.#work, 'analyze load_patient');
    const repeated = await run(
      this.#work,
      'select local_id from load_patient group by local_id having count(*) > 1 limit 1',
    );
    if (repeated.length === 0) return;
    // the same row twice is one row; two that differ are neither believed
    await run(
      this.#work,
      `delete from load_patient a using load_patient b
       where a.local_id = b.local_id and a.hash = b.hash and a.ctid > b.ctid`,
    );
    await run(
      this.#work,
      `insert into load_restricted select nhs_number from load_patient
       where nhs_number is not null and local_id in
         (select local_id from load_patient group by local_id having count(*) > 1 and bool_or(restricted))`,
    );
    await run(
      this.#work,
      // what is known of them is neither row's: whichever is left another night is read anew
      `update load_patient p set fault = 'duplicate-id', changed = true, hash = '', restricted = d.restricted
       from (select local_id, bool_or(restricted) as restricted from load_patient group by local_id
             having count(*) > 1) d
       where d.local_id = p.local_id`,
    );
    await run(
      this.#work,
      'delete from load_patient a using load_patient b where a.local_id = b.local_id and a.ctid > b.ctid',
    );
  }

  async numbers(localIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (localIds.length === 0) return new Map();
    const rows = await run<{ local_id: string; nhs_number: string }>(
      this.#work,
      `select local_id, nhs_number from load_patient where local_id = any($1) and nhs_number is not null
       union all
       select sp.local_id, sp.nhs_number from record.source_patient sp
       where sp.source = $2 and sp.local_id = any($1) and sp.nhs_number is not null
         and not exists (select from load_patient p where p.local_id = sp.local_id)`,
      [localIds, this.#work.source.number],
    );
    return new Map(rows.map((row) => [row.local_id, row.nhs_number]));
  }

  async custodians(): Promise<readonly string[]> {
    const rows = await run<{ custodian: string }>(
      this.#work,
      'select distinct custodian from load_patient where custodian is not null',
    );
    return rows.map((row) => row.custodian);
  }

  async bar(custodians: readonly string[], care: boolean): Promise<void> {
    await run(this.#work, `update load_patient set barred = 'not-signatory' where custodian = any($1)`, [
      custodians,
    ]);
    if (care) await barWithoutAgreement(this.#work);
    await this.#findUnjudged();
    await run(
      this.#work,
      `update load_patient set person_id = null, reason = coalesce(barred, fault), state = case
         when barred = 'not-signatory' then 'withheld' when barred is not null then 'refused'
         when fault = any($1) then 'unmatched' else 'quarantined' end
       where barred is not null or fault is not null`,
      [UNMATCHED],
    );
    await run(
      this.#work,
      `update load_patient p set state = 'candidate', reason = null, person_id = null, judged = true
       from load_number n where n.nhs_number = p.nhs_number and p.barred is null and p.fault is null`,
    );
  }

  /** Numbers of patients that came, went, changed or were let in, and of people whose identity has since changed. */
  async #findUnjudged(): Promise<void> {
    await run(
      this.#work,
      `insert into load_number select distinct nhs_number from (
         select nhs_number from load_patient where changed
         union all
         select nhs_number from load_patient
         where not changed and fault is null and (barred is null) <> (state in ('accepted', 'quarantined'))
         union all
         select sp.nhs_number from record.source_patient sp left join load_patient p on p.local_id = sp.local_id
         where sp.source = $1 and (p.local_id is null or p.changed)
         union all
         select sp.nhs_number from record.source_patient sp join record.person e on e.person_id = sp.person_id
         where sp.source = $1 and e.identity_at > sp.judged_at) t
       where nhs_number is not null`,
      [this.#work.source.number],
    );
    await run(this.#work, 'create index load_patient_number on load_patient (nhs_number)');
    await run(this.#work, 'analyze load_number');
  }

  unjudged(afterNumber: string, limit: number): Promise<readonly Contribution[]> {
    return contributions(this.#work, { afterNumber, limit });
  }

  async settle(judged: readonly JudgedContribution[]): Promise<number> {
    const rows = judged.map(({ nhsNumber, newPersonId, verdict }) => ({
      nhsNumber,
      newPersonId,
      accepted: verdict.state === 'accepted',
      state: verdict.state,
      reason: verdict.state === 'quarantined' ? verdict.reason : null,
      ...(verdict.state === 'accepted' ? verdict.establishes : undefined),
    }));
    return inTransaction(this.#work, async () => {
      await run(
        this.#work,
        `create temp table load_verdict on commit drop as
         select * from json_to_recordset($1) as t("nhsNumber" text, "newPersonId" uuid, accepted boolean, state text,
           reason text, "birthDate" text, family text, given text)`,
        [JSON.stringify(rows)],
      );
      // another source may have made the person since it was looked for: then that one is taken
      const made = await run(
        this.#work,
        `with taken as (
           insert into record.person_number (nhs_number, person_id, status)
           select v."nhsNumber", v."newPersonId", 'current' from load_verdict v
           where v.accepted and not exists (select from record.person_number n where n.nhs_number = v."nhsNumber")
           on conflict (nhs_number) do nothing returning person_id)
         insert into record.person (person_id) select person_id from taken returning person_id`,
      );
      await run(
        this.#work,
        `update load_patient p set state = v.state, reason = v.reason, person_id = n.person_id
         from load_verdict v left join record.person_number n on n.nhs_number = v."nhsNumber"
         where p.nhs_number = v."nhsNumber" and p.state = 'candidate'`,
      );
      await run(
        this.#work,
        `insert into load_identity
         select n.person_id, v."birthDate", v.family, v.given
         from load_verdict v join record.person_number n on n.nhs_number = v."nhsNumber"
         where v.family is not null on conflict (person_id) do nothing`,
      );
      if (this.#work.kind === 'delta') await holdBackUnread(this.#work);
      return made.length;
    });
  }

  async counts(): Promise<readonly { state: PatientState; reason: string; count: number }[]> {
    const rows = await run<{ state: PatientState; reason: string; count: string }>(
      this.#work,
      `select state, coalesce(reason, '') as reason, count(*) from load_patient group by 1, 2 order by 1, 2`,
    );
    return rows.map(({ state, reason, count }) => ({ state, reason, count: Number(count) }));
  }
}
