-- The audit log: events by month, hashed in batches that are chained per writer (shard). DESIGN 5, audit log design 4.3.
create schema audit;

create table audit.event (
  -- first day of the month (UTC) of recorded
  month date not null,
  shard smallint not null,
  outcome smallint not null,
  seq bigint not null,
  recorded timestamptz not null,
  event_id uuid not null,
  person_id uuid,
  kind text collate "C" not null,
  organisation text collate "C",
  client text collate "C",
  agent text collate "C",
  purpose text collate "C",
  request_id text collate "C" not null,
  salt bytea not null check (octet_length(salt) = 16),
  leaf bytea not null check (octet_length(leaf) = 32),
  manifest bytea not null,
  body text collate "C" not null,
  primary key (month, shard, seq)
) partition by range (month);
-- Bodies repeat themselves; lz4 halves them at a tenth of the cost. Not every build of PostgreSQL has it.
do $$ begin
  alter table audit.event alter column body set compression lz4;
exception when feature_not_supported then null;
end $$;
create index event_by_id on audit.event (event_id);
create index event_by_time on audit.event (recorded, event_id);
create index event_by_person on audit.event (person_id, recorded) where person_id is not null;
create index event_by_organisation on audit.event (organisation, recorded) where organisation is not null;
comment on column audit.event.body is 'AuditEvent as canonical JSON: these very bytes are hashed.';
comment on column audit.event.manifest is 'What was released, binary (src/audit/manifest.ts); hashed with the body.';
comment on column audit.event.leaf is 'SHA-256 of 0, salt, length of the body, body and manifest (src/audit/merkle.ts).';

-- One row per group commit. Not partitioned, so that its key is the fence between two writers of one shard.
create table audit.batch (
  shard smallint not null,
  batch bigint not null,
  batch_uuid uuid not null unique,
  month date not null,
  first_seq bigint not null,
  n integer not null check (n > 0),
  root bytea not null check (octet_length(root) = 32),
  prev_head bytea not null check (octet_length(prev_head) = 32),
  head bytea not null check (octet_length(head) = 32),
  tree_size bigint not null check (tree_size = first_seq + n),
  recorded timestamptz not null,
  primary key (shard, batch)
);
comment on column audit.batch.head is 'SHA-256 of the head before, the root and the place of the batch (src/audit/batch.ts).';
comment on column audit.batch.recorded is 'Of the last event of the batch.';

create function audit.refuse() returns trigger language plpgsql as $$
begin
  raise exception 'Rows of the audit log are never changed or removed.' using errcode = 'insufficient_privilege';
end $$;

-- For each row: PostgreSQL copies such triggers to every partition, now and later, as they are. For TRUNCATE it does not, so
-- make_partitions() gives each partition its own. ALWAYS: they hold in replica sessions too.
create trigger refuse_change before update or delete on audit.event for each row execute function audit.refuse();
create trigger refuse_truncate before truncate on audit.event for each statement execute function audit.refuse();
create trigger refuse_change before update or delete on audit.batch for each row execute function audit.refuse();
create trigger refuse_truncate before truncate on audit.batch for each statement execute function audit.refuse();
alter table audit.event enable always trigger refuse_change;
alter table audit.event enable always trigger refuse_truncate;
alter table audit.batch enable always trigger refuse_change;
alter table audit.batch enable always trigger refuse_truncate;

-- Makes the monthly partitions from last month to the month of `through`, those that are missing. For the owner. There
-- is no default partition on purpose: an event without a partition must fail, and with it the answer.
create function audit.make_partitions(through date) returns integer language plpgsql
set search_path = pg_catalog as $$
declare
  month date := (date_trunc('month', now() at time zone 'UTC') - interval '1 month')::date;
  name text;
  made integer := 0;
begin
  perform pg_advisory_xact_lock(7236915, -1);
  while month <= through loop
    name := 'event_' || to_char(month, 'YYYY_MM');
    if to_regclass('audit.' || name) is null then
      -- Made apart and attached: writers are not kept waiting. Compressed, most events stay in their row.
      execute format('create table audit.%I (like audit.event including defaults including constraints
        including indexes including storage including compression)
        with (fillfactor = 100, toast_tuple_target = 2500)', name);
      execute format('create trigger refuse_truncate before truncate on audit.%I
        for each statement execute function audit.refuse()', name);
      execute format('alter table audit.event attach partition audit.%I for values from (%L) to (%L)',
        name, month, (month + interval '1 month')::date);
      execute format('alter table audit.%I enable always trigger refuse_truncate', name);
      made := made + 1;
    end if;
    month := (month + interval '1 month')::date;
  end loop;
  return made;
end $$;
revoke execute on function audit.make_partitions(date) from public;

-- Days from today (UTC) to the first month that has no partition; 0 when this month has none.
create function audit.partition_days() returns integer language plpgsql stable
set search_path = pg_catalog as $$
declare
  today date := (now() at time zone 'UTC')::date;
  month date := date_trunc('month', today)::date;
begin
  while exists (
    select from pg_inherits
    where inhparent = 'audit.event'::regclass and inhrelid = to_regclass('audit.event_' || to_char(month, 'YYYY_MM'))
  ) loop
    month := (month + interval '1 month')::date;
  end loop;
  return greatest(month - today, 0);
end $$;

-- The role that writes the log can add to it and see where it stands; the role that reads it can do nothing else.
do $$ begin
  create role mcr_journal nologin;
exception when duplicate_object or unique_violation then null;
end $$;
do $$ begin
  create role mcr_auditor nologin;
exception when duplicate_object or unique_violation then null;
end $$;
grant usage on schema audit to mcr_journal, mcr_auditor;
grant insert on audit.event to mcr_journal;
grant select, insert on audit.batch to mcr_journal;
grant select on audit.event, audit.batch to mcr_auditor;

select audit.make_partitions((now() at time zone 'UTC' + interval '18 months')::date);
