-- Relationships of care (DESIGN 4, rule 6): what rows show, and what users declare.

-- With the row that shows them, so that they come and go with its publication; found without reading the other rows.
alter table record.resource_version add column relationships text[] collate "C";
create index resource_version_relationships on record.resource_version (person_id, valid_to)
  where relationships is not null;
comment on column record.resource_version.relationships is
  'Organisations that care for the person, by kind and days (src/access/relationship-text.ts); null: none. Rows stored before have none until their source is next loaded.';

create table record.declared_relationship (
  person_id uuid not null,
  organisation text collate "C" not null,
  user_id text collate "C" not null,
  reason text not null,
  declared_at timestamptz not null,
  until timestamptz not null,
  primary key (person_id, organisation, user_id)
);
create index declared_relationship_by_user on record.declared_relationship (organisation, user_id);
comment on table record.declared_relationship is
  'What a user last declared of a person; of no effect after `until`. The audit log keeps every declaration.';

grant select, insert, update, delete on record.declared_relationship to mcr_record;
