-- Who lives with whom, as health sources give addresses: so that a look at the record of somebody of the user's own
-- household is noted in the audit log (DESIGN 4, rule 5). Shown nowhere.
alter table record.source_patient add column households text[] collate "C" not null default '{}';
comment on column record.source_patient.households is 'Keys of its addresses (src/identity/household.ts).';

create table record.household (
  key text collate "C" not null,
  person_id uuid not null,
  source smallint not null,
  primary key (key, person_id, source)
);
create index household_by_person on record.household (person_id, source);
comment on table record.household is 'Filled as each source is next loaded.';

grant select, insert, update, delete on record.household to mcr_record;
