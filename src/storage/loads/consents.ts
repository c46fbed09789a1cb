import type { ConsentPhase } from '../../loads/ports.ts';
import type { CareStanding, LimitedOptOut, OptOutRecord, RestrictionCounts } from '../../loads/records.ts';
import { inTransaction, run, type Work } from './work.ts';

/** What restricts, applied ahead of the load. */
export class StoredConsents implements ConsentPhase {
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
  }

  async stand(standings: readonly CareStanding[]): Promise<void> {
    for (let from = 0; from < standings.length; from += BATCH) {
      const rows = standings.slice(from, from + BATCH).map(({ localId, refusal, stated, agreement }) => ({
        localId,
        refusal,
        stated,
        ...agreement,
        ...(agreement && { recordedAt: new Date(agreement.recordedAt).toISOString() }),
      }));
      await run(
        this.#work,
        `insert into load_care
         select "localId", refusal, stated, "resourceId", "givenBy", "givenByRelationship", "recordedAt", "startDate", "endDate",
           limits
         from json_to_recordset($1) as t("localId" text, refusal text, stated text, "resourceId" uuid, "givenBy" text,
           "givenByRelationship" text, "recordedAt" timestamptz, "startDate" date, "endDate" date, limits jsonb)`,
        [JSON.stringify(rows)],
      );
    }
  }

  async optOuts(records: readonly OptOutRecord[], limited: readonly LimitedOptOut[]): Promise<void> {
    if (limited.length > 0) await this.#limited(limited);
    for (let from = 0; from < records.length; from += BATCH) {
      const rows = records
        .slice(from, from + BATCH)
        .map((record) => ({ ...record, enteredAt: new Date(record.enteredAt).toISOString() }));
      await run(
        this.#work,
        `insert into load_opt_out select "nhsNumber", "optedOut", "enteredAt", "resourceId"
         from json_to_recordset($1) as t("nhsNumber" text, "optedOut" boolean, "enteredAt" timestamptz,
           "resourceId" uuid)`,
        [JSON.stringify(rows)],
      );
    }
  }

  async #limited(records: readonly LimitedOptOut[]): Promise<void> {
    for (let from = 0; from < records.length; from += BATCH) {
      const rows = records
        .slice(from, from + BATCH)
        .map((record) => ({ ...record, enteredAt: new Date(record.enteredAt).toISOString() }));
      await run(
        this.#work,
        `insert into load_limited_opt_out select "resourceId", "nhsNumber", "enteredAt", limits
         from json_to_recordset($1) as t("resourceId" uuid, "nhsNumber" text, "enteredAt" timestamptz, limits jsonb)
         on conflict do nothing`,
        [JSON.stringify(rows)],
      );
    }
  }

  restrict(
    agreementsWhole: boolean,
    confirm: (counts: RestrictionCounts) => Promise<void>,
  ): Promise<RestrictionCounts> {
    return inTransaction(this.#work, async () => {
      const optedOut = (await this.#optOut()) + (await this.#optOutInPart());
      const agreementsEnded = await this.#endAgreements(agreementsWhole);
      const restricted = await this.#restrictPeople();
      const counts = { optedOut, agreementsEnded, restricted };
      if (optedOut + agreementsEnded + restricted > 0) await confirm(counts);
      await run(
        this.#work,
        `update record.person set epoch = epoch + 1 where person_id in (
           select person_id from load_epoch
           union
           -- whoever is linked with them reads from them
           select other.person_id from load_epoch e
           join record.person_link own on own.person_id = e.person_id and own.valid_to = 'infinity'
           join record.person_link other on other.cluster_id = own.cluster_id and other.valid_to = 'infinity')`,
      );
      await run(this.#work, 'truncate load_epoch');
      return counts;
    });
  }

  async #optOut(): Promise<number> {
    const rows = await run<{ changed: number }>(
      this.#work,
      `with newer as (
         select l.*, coalesce(o.opted_out, false) as before from load_opt_out l
         left join record.opt_out o on o.nhs_number = l.nhs_number
         where l.opted_out and (o.nhs_number is null or l.entered_at > o.entered_at
           or (l.entered_at = o.entered_at and not o.opted_out))),
       stored as (
         insert into record.opt_out (nhs_number, opted_out, entered_at, source, resource_id)
         select nhs_number, true, entered_at, $1, resource_id from newer
         on conflict (nhs_number) do update set opted_out = true, entered_at = excluded.entered_at,
           source = excluded.source, resource_id = excluded.resource_id),
       touched as (
         insert into load_epoch select n.person_id from newer
         join record.person_number n on n.nhs_number = newer.nhs_number)
       select count(*) filter (where not before)::int as changed from newer`,
      [this.#work.source.number],
    );
    return rows[0]?.changed ?? 0;
  }

  /** A refusal that says of itself what it is about: one of the same id says it anew. */
  async #optOutInPart(): Promise<number> {
    const rows = await run(
      this.#work,
      `with stored as (
         insert into record.limited_opt_out as o (resource_id, nhs_number, entered_at, source, limits)
         select resource_id, nhs_number, entered_at, $1, limits from load_limited_opt_out
         on conflict (resource_id) do update set nhs_number = excluded.nhs_number, entered_at = excluded.entered_at,
           source = excluded.source, limits = excluded.limits
         where (o.nhs_number, o.entered_at, o.limits) is distinct from (excluded.nhs_number, excluded.entered_at, excluded.limits)
         returning nhs_number),
       touched as (
         insert into load_epoch select n.person_id from stored
         join record.person_number n on n.nhs_number = stored.nhs_number)
       select nhs_number from stored`,
      [this.#work.source.number],
    );
    return rows.length;
  }

  /**
   * An agreement stands while every record of the person, linked ones included, that has an open case is agreed, and at least one is. Where
   * it is to end earlier than it was, it does so at once. Where files are missing, only what is stated ends it.
   */
  async #endAgreements(isWhole: boolean): Promise<number> {
    const { source } = this.#work;
    if (source.sector !== 'social-care') return 0;
    await run(
      this.#work,
      `create temp table load_agreed on commit drop as
       select coalesce(l.person_id, g.who) as person_id, g.end_date, g.stands, g.refused from (
       select coalesce(l.cluster_id, n.person_id) as who, max(coalesce(c.end_date, 'infinity')) as end_date,
         coalesce(bool_or(c.resource_id is not null), false)
           and not coalesce(bool_or(c.refusal = 'no-agreement'), false) as stands,
         coalesce(bool_or(c.stated = 'not-given'), false)
           and not coalesce(bool_or(c.stated = 'given'), false) as refused
       from load_patient p
       join record.person_number n on n.nhs_number = p.nhs_number
       left join record.person_link l on l.person_id = n.person_id and l.valid_to = 'infinity'
       left join load_care c on c.local_id = p.local_id
       group by 1) g left join record.person_link l on l.cluster_id = g.who and l.valid_to = 'infinity'`,
    );
    const ended = await run(
      this.#work,
      `with ended as (
         delete from record.agreement a where a.source = $1 and (
           ($2 and not exists (select from load_agreed g where g.person_id = a.person_id and g.stands))
           or exists (select from load_agreed g where g.person_id = a.person_id and g.refused))
         returning a.person_id)
       insert into load_epoch select person_id from ended returning person_id`,
      [source.number, isWhole],
    );
    await run(
      this.#work,
      `with sooner as (
         update record.agreement a set end_date = nullif(g.end_date, 'infinity')
         from load_agreed g
         where a.source = $1 and g.stands and a.person_id = g.person_id
           and g.end_date < coalesce(a.end_date, 'infinity')
         returning a.person_id)
       insert into load_epoch select person_id from sooner`,
      [source.number],
    );
    await this.#limitAgreements();
    return ended.length;
  }

  /**
   * An agreement that was for everybody, and is not any more, is so at once. One whose limits are others than before is
   * for nobody until the load is published: whether they are wider or narrower is not looked into.
   */
  async #limitAgreements(): Promise<void> {
    await run(
      this.#work,
      `with said as (
         select n.person_id, c.limits from load_patient p
         join record.person_number n on n.nhs_number = p.nhs_number
         join load_care c on c.local_id = p.local_id
         where c.refusal is null and c.limits is not null),
       narrowed as (
         update record.agreement a set limits = case when a.limits is null then s.limits else $2::jsonb end
         from said s where a.source = $1 and a.person_id = s.person_id and a.limits is distinct from s.limits
         returning a.person_id)
       insert into load_epoch select person_id from narrowed`,
      [this.#work.source.number, JSON.stringify({ organisations: [] })],
    );
  }

  /** The S-flag, by number: also of a patient who is quarantined. People who are not known yet follow at publication. */
  async #restrictPeople(): Promise<number> {
    const { source } = this.#work;
    if (source.sector !== 'health') return 0;
    const rows = await run(
      this.#work,
      `with flagged as (
         insert into record.restriction (person_id, source)
         select distinct n.person_id, $1::smallint from record.person_number n
         where n.nhs_number in (select nhs_number from load_patient where restricted
           union select nhs_number from load_restricted)
         on conflict do nothing returning person_id)
       insert into load_epoch select person_id from flagged returning person_id`,
      [source.number],
    );
    return rows.length;
  }
}

const BATCH = 5_000;
