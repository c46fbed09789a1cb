import type pg from 'pg';

/** What readiness and the start say about the database under the audit log. */
export interface AuditChecks {
  /** sentences; with any of these the service must not serve */
  readonly refusals: readonly string[];
  /** sentences for the log and the readiness page */
  readonly warnings: readonly string[];
}

/** Partitions are made 18 months ahead; fewer days than this means that nobody has made them for long. */
const PARTITION_DAYS_WANTED = 60;

const FACTS = `
select current_setting('fsync') = 'on',
  current_setting('full_page_writes') = 'on',
  current_setting('synchronous_commit') in ('on', 'remote_apply'),
  current_setting('data_checksums') = 'on',
  (select bool_or(has_table_privilege('mcr_journal', oid, 'update, delete, truncate'))
     or bool_or(pg_has_role('mcr_journal', relowner, 'usage')) from audit_table),
  (select partdefid <> 0 from pg_partitioned_table where partrelid = 'audit.event'::regclass),
  (select count(*) from pg_class c where c.oid in (select oid from audit_table) and not exists (
     select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'refuse_truncate' and t.tgenabled in ('O', 'A'))),
  (select count(*) from pg_class c where c.oid in (select oid from audit_table) and not exists (
     select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'refuse_change' and t.tgenabled in ('O', 'A'))),
  audit.partition_days(),
  (select prosrc ~ 'raise exception' and prosrc !~ 'return' from pg_proc where oid = 'audit.refuse()'::regprocedure),
  current_setting('synchronous_standby_names') <> ''`;
const AUDIT_TABLES = `
with audit_table as (
  select c.oid, c.relowner from pg_class c
  where c.relnamespace = 'audit'::regnamespace and c.relkind in ('r', 'p')
)`;

/**
 * What a login could become counts as what it can do: `set role` is a statement like any other, and before
 * PostgreSQL 16 whoever may create roles may also grant itself those there are.
 */
const LOGIN = `
select bool_or(r.rolsuper),
  bool_or(r.rolcreaterole)
  or bool_or(exists (select from audit_table where has_table_privilege(r.oid, oid, 'update, delete, truncate')
     or pg_has_role(r.oid, relowner, 'member')))
  or bool_or(exists (select from pg_proc p where p.pronamespace = 'audit'::regnamespace and p.proname = 'retire'
     and has_function_privilege(r.oid, p.oid, 'execute')))
  or bool_or(pg_has_role(r.oid, (select nspowner from pg_namespace where nspname = 'audit'), 'member'))
from pg_roles r where pg_has_role(session_user, r.oid, 'member')`;

/**
 * Why a login must not serve in production: it is a superuser, or could change or own audit rows. Asks the catalogue
 * alone, so it may be asked acting as any role.
 *
 * @throws Error when the database cannot be asked: treat it as a refusal
 */
export async function loginRefusals(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<unknown[]>({ text: AUDIT_TABLES + LOGIN, rowMode: 'array' });
  const [isSuper, canChange] = rows[0] ?? [];
  return sentences(
    [isSuper === false, 'The login of the service is a superuser of the database.'],
    [canChange === false, 'The login of the service can change or remove audit rows, or own them.'],
  );
}

/**
 * Whether what the audit log commits stays, and whether the roles that serve can only add to it (audit log design 4.5).
 * Privileges of the whole chain count: of the role itself, of roles it is a member of, and ownership.
 *
 * @param client a connection with the very login that serves, acting as any role that may use the schema `audit`
 * @param production the login itself must then be powerless too; a demonstration may run as superuser
 * @throws Error when the database cannot be asked: treat it as a refusal
 */
export async function checkAudit(client: pg.Client, production: boolean): Promise<AuditChecks> {
  const { rows } = await client.query<unknown[]>({ text: AUDIT_TABLES + FACTS, rowMode: 'array' });
  const facts = rows[0] ?? [];
  const [fsync, fullPages, commits, checksums, journalCan, hasDefault] = facts;
  const [openToTruncate, openToChange, days] = facts.slice(6, 9).map(Number);
  const [refuses, standby] = facts.slice(9);
  const noChecksums: Requirement = [
    checksums === true,
    'The database has no data checksums: damage on disk would go unnoticed.',
  ];
  return {
    refusals: sentences(
      [fsync === true, 'fsync is off: the audit log could be lost with the machine.'],
      [fullPages === true, 'full_page_writes is off: the audit log could be torn in a crash.'],
      [
        commits === true,
        'synchronous_commit must be on or remote_apply: the audit log could lose what it acknowledged.',
      ],
      [journalCan === false, 'The role mcr_journal can change or remove audit rows; it must only add them.'],
      [
        hasDefault === false,
        'audit.event has a default partition; events outside the monthly ones must fail.',
      ],
      [openToTruncate === 0, 'A table of the audit log has lost its guard against TRUNCATE.'],
      [openToChange === 0, 'A table of the audit log has lost its guard against UPDATE and DELETE.'],
      [refuses === true, 'The guard of the audit log, audit.refuse(), refuses nothing any more.'],
      ...(production ? [noChecksums] : []),
    ).concat(production ? await loginRefusals(client) : []),
    warnings: sentences(
      ...(production ? [] : [noChecksums]),
      [
        !production || standby === true,
        'The database has no synchronous standby: what it lost with its disk would be lost to the audit log.',
      ],
      [
        days !== undefined && days >= PARTITION_DAYS_WANTED,
        `The audit log has partitions for ${days ?? 0} more days; run the migrations with the owner's login.`,
      ],
    ),
  };
}

type Requirement = readonly [met: boolean, sentence: string];

/** The sentence of every requirement that is not met. */
function sentences(...requirements: readonly Requirement[]): readonly string[] {
  return requirements.filter(([met]) => !met).map(([, sentence]) => sentence);
}
