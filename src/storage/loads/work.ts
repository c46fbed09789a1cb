import type { Client, QueryResultRow } from 'pg';
import type { LoadSource } from '../../loads/ports.ts';

/** A load's connection, and what its statements have in common. */
export interface Work {
  readonly client: Client;
  readonly source: LoadSource;
  readonly horizon: number;
  /** 0 until the load has begun */
  loadNo: number;
  kind: 'full' | 'delta';
}

/** One statement; parameters by number. */
export async function run<Row extends QueryResultRow = QueryResultRow>(
  work: Pick<Work, 'client'>,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  return (await work.client.query<Row>(text, [...values])).rows;
}

export async function inTransaction<T>(work: Pick<Work, 'client'>, steps: () => Promise<T>): Promise<T> {
  await work.client.query('begin');
  try {
    const result = await steps();
    await work.client.query('commit');
    return result;
  } catch (error) {
    // on a lost connection the rollback fails too: the server has rolled back by then
    await work.client.query('rollback').catch(() => {});
    throw error;
  }
}

export const NOBODY = '00000000-0000-0000-0000-000000000000';
/** `valid_to` of the newest version */
export const OPEN_END = '9223372036854775807';

/**
 * Tables of one load, seen by its connection alone and gone with it. What a column means is said where its namesake in
 * `record` is; the others:
 *
 * - `load_row`: every row of the extract that is held; `local_id` only of rows that are copied per person
 * - `load_patient`: the source's patients as of this extract. `fault` is in the row itself, `barred` in the policy;
 *   `state` is `candidate` until the person is judged, `outdated` where that must be done again with the next extract
 * - `load_restricted`: NHS numbers that an S-flag names in a row that is not taken as it is
 * - `load_number`: NHS numbers whose contribution must be judged anew
 * - `load_remapped`: people some of whose patients are no longer accepted as theirs: no row of theirs is unchanged
 * - `load_seen`: stored resources that stand, `kept` because tonight's row cannot be read
 * - `load_todo`: rows that must be read
 * - `load_stage` and `load_sorted`: mapped rows, and their order of storing with what is stored now
 * - `load_purge`: what a delta purges, or brings and is not taken
 * - `load_touched`: people for whom a stored version is closed; `load_moved`: resources whose person changes
 */
export const WORKING_TABLES = `
create temp table load_row (
  file smallint not null, line int not null, start bigint not null, length int not null, hash bytea not null,
  local_id text collate "C");
create temp table load_patient_todo (line int not null, start bigint not null, length int not null, hash bytea not null);
create temp table load_patient (
  local_id text collate "C" not null, line int not null, hash bytea not null, changed boolean not null,
  fault text collate "C", barred text collate "C", state text collate "C" not null, reason text collate "C",
  person_id uuid, judged boolean not null default false,
  outdated boolean not null default false, nhs_number text collate "C", custodian text collate "C",
  restricted boolean not null, birth_date text collate "C" not null, family text collate "C" not null,
  given text collate "C" not null, names text[] collate "C" not null, households text[] collate "C" not null);
create temp table load_care (
  local_id text collate "C" primary key, refusal text collate "C", stated text collate "C", resource_id uuid,
  given_by text, given_by_relationship text collate "C", recorded_at timestamptz, start_date date, end_date date,
  limits jsonb);
create temp table load_limited_opt_out (
  resource_id uuid primary key, nhs_number text collate "C" not null, entered_at timestamptz not null, limits jsonb not null);
create temp table load_opt_out (
  nhs_number text collate "C" primary key, opted_out boolean not null, entered_at timestamptz not null,
  resource_id uuid not null);
create temp table load_restricted (nhs_number text collate "C" not null);
create temp table load_number (nhs_number text collate "C" primary key);
create temp table load_identity (
  person_id uuid primary key, birth_date text collate "C" not null, family text collate "C" not null,
  given text collate "C" not null);
create temp table load_remapped (person_id uuid primary key);
create temp table load_seen (resource_id uuid not null, type smallint not null, kept boolean not null);
create temp table load_todo (
  file smallint not null, line int not null, start bigint not null, length int not null, hash bytea not null);
create temp table load_stage (
  resource_id uuid not null, person_id uuid not null, type smallint not null, category text[] collate "C" not null,
  labels text[] collate "C" not null, codes text[] collate "C" not null, identifiers text[] collate "C" not null,
  content_hash bytea not null, relationships text[] collate "C", search_line text collate "C" not null, body text collate "C" not null,
  file smallint not null, line int not null);
create temp table load_sorted (
  n bigint not null, at tid not null, resource_id uuid not null, person_id uuid not null, type smallint not null,
  content_hash bytea not null, file smallint not null, line int not null, prior_load_no bigint, prior_hash bytea,
  prior_deleted boolean, prior_person_id uuid);
create temp table load_gone (
  n bigint not null, resource_id uuid not null, person_id uuid not null, type smallint not null,
  load_no bigint not null, content_hash bytea not null);
create temp table load_purge (type smallint not null, local_id text collate "C" not null, resource_id uuid not null);
create temp table load_touched (person_id uuid primary key);
create temp table load_moved (resource_id uuid primary key, person_id uuid not null);
create temp table load_reference (
  type smallint not null, local_id text collate "C" not null, person_id uuid not null, resource_id uuid not null);
create temp table load_unreferenced (resource_id uuid primary key);
create temp table load_copy_todo (
  file smallint not null, line int not null, start bigint not null, length int not null, hash bytea not null,
  person_ids uuid[] not null);
create temp table load_epoch (person_id uuid not null)`;
