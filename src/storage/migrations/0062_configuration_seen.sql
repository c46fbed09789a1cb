-- The configurations this service has been started with, one after the other. What differs from the last is told in the
-- audit log, by name; the table itself is only what the next start compares with.
create table record.configuration_seen (
  no bigint generated always as identity primary key,
  seen_at timestamptz not null default now(),
  version text collate "C" not null,
  parts jsonb not null
);
comment on column record.configuration_seen.parts is
  'Name of a part to a hash of it, or to its version where it has one: nothing of the configuration itself.';
grant select, insert on record.configuration_seen to mcr_record;
