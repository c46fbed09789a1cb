-- Retention of the audit log, by month. Audit log design 4.7.
-- What is left of a month whose events were retired: a signed tombstone, and the leaf hashes, so that all that was ever
-- signed can still be checked. A leaf says nothing of its event once the salt is gone.
create table audit.tombstone (
  month date primary key,
  recorded timestamptz not null default now(),
  jws text collate "C" not null
);
create table audit.retired_leaves (
  month date not null references audit.tombstone,
  shard smallint not null,
  first_seq bigint not null,
  leaves bytea not null check (octet_length(leaves) > 0 and octet_length(leaves) % 32 = 0),
  primary key (month, shard, first_seq)
);
alter table audit.retired_leaves alter column leaves set storage external;

-- Months that may not be retired, whatever their age; a hold ends by a row of its own.
create table audit.legal_hold (
  hold_id bigint generated always as identity primary key,
  from_month date not null,
  to_month date not null check (to_month >= from_month),
  placed_at timestamptz not null default now(),
  placed_by text not null check (placed_by ~ '\S'),
  reason text not null check (reason ~ '\S')
);
create table audit.legal_hold_lifted (
  hold_id bigint primary key references audit.legal_hold,
  lifted_at timestamptz not null default now(),
  lifted_by text not null check (lifted_by ~ '\S'),
  reason text not null check (reason ~ '\S')
);

do $$
declare
  name text;
begin
  foreach name in array array['tombstone', 'retired_leaves', 'legal_hold', 'legal_hold_lifted'] loop
    execute format('create trigger refuse_change before update or delete on audit.%I
      for each row execute function audit.refuse()', name);
    execute format('create trigger refuse_truncate before truncate on audit.%I
      for each statement execute function audit.refuse()', name);
    execute format('alter table audit.%I enable always trigger refuse_change', name);
    execute format('alter table audit.%I enable always trigger refuse_truncate', name);
    execute format('grant select on audit.%I to mcr_auditor', name);
  end loop;
end $$;

-- The role that retires months and keeps holds; no login that serves is a member of it.
do $$ begin
  create role mcr_retention nologin;
exception when duplicate_object or unique_violation then null;
end $$;
grant usage on schema audit to mcr_retention;
grant select on audit.tombstone, audit.legal_hold, audit.legal_hold_lifted to mcr_retention;
grant insert on audit.legal_hold, audit.legal_hold_lifted to mcr_retention;

-- Puts a tombstone and the leaf hashes in the place of a month's events, all at once or not at all. `events` as they
-- were counted when the tombstone was signed. Nothing younger than a year, whatever is asked.
create function audit.retire(month_retired date, tombstone_jws text, events bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
  name text := 'event_' || to_char(month_retired, 'YYYY_MM');
  found bigint;
begin
  set local lock_timeout = '5s';
  perform pg_advisory_xact_lock(7236915, -1);
  if month_retired <> date_trunc('month', month_retired)
     or month_retired + interval '13 months' > now() at time zone 'UTC' then
    raise exception 'Only a whole month that ended a year ago or more can be retired.' using errcode = 'check_violation';
  end if;
  if exists (select from audit.legal_hold h where month_retired between h.from_month and h.to_month
             and not exists (select from audit.legal_hold_lifted l where l.hold_id = h.hold_id)) then
    raise exception 'The month is under a legal hold.' using errcode = 'check_violation';
  end if;
  select count(*) into found from audit.event e where e.month = month_retired;
  if found <> events or found = 0 then
    raise exception 'The month does not hold the events that the tombstone was signed over.' using errcode = 'check_violation';
  end if;
  insert into audit.tombstone (month, jws) values (month_retired, tombstone_jws);
  insert into audit.retired_leaves (month, shard, first_seq, leaves)
    select e.month, e.shard, min(e.seq), string_agg(e.leaf, ''::bytea order by e.seq)
    from audit.event e where e.month = month_retired group by e.month, e.shard, e.seq / 8192;
  execute format('alter table audit.event detach partition audit.%I', name);
  execute format('drop table audit.%I', name);
end $$;
revoke execute on function audit.retire(date, text, bigint) from public;
grant execute on function audit.retire(date, text, bigint) to mcr_retention;
