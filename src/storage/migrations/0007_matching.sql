-- The matching queue: what somebody has decided about who a waiting patient is (DESIGN 7). Never made by a program.
create table record.matching_decision (
  source smallint not null references record.source,
  local_id text collate "C" not null,
  person_id uuid not null,
  decision text collate "C" not null check (decision in ('confirmed', 'rejected')),
  decided_by text not null,
  reason text not null,
  decided_at timestamptz not null,
  primary key (source, local_id, person_id)
);
create unique index matching_confirmed_once on record.matching_decision (source, local_id) where decision = 'confirmed';
comment on table record.matching_decision is
  'Goes with its patient: once the source no longer sends the patient, or the patient may not be held, it is deleted.';

alter table record.source_patient add column line integer;
comment on column record.source_patient.line is 'Of the row in the last published extract; of waiting patients only.';

grant select, insert, update, delete on record.matching_decision to mcr_record;
