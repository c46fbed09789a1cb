-- The record: versions of resources, their keys, publications, people, consent, identity.
-- DESIGN 5. Person tables carry person_id in every key, so that they can be distributed by it.
create schema record;

create table record.installation (
  name text primary key,
  value text not null
);
comment on table record.installation is 'Facts fixed for the life of this database, such as the fingerprint of the key that makes resource ids.';

create table record.source (
  number smallint primary key,
  code text collate "C" not null unique
);

create table record.load (
  load_no bigint generated always as identity primary key,
  source smallint not null references record.source,
  business_date date not null,
  sequence bigint not null,
  kind text collate "C" not null check (kind in ('full')),
  format text collate "C" not null,
  manifest_hash bytea not null,
  state text collate "C" not null
    check (state in ('running', 'published', 'refused', 'failed', 'undone', 'duplicate')),
  started_at timestamptz not null,
  finished_at timestamptz,
  certificate text,
  -- types of the files it brought: a type that the next extract lacks altogether is a fault, not a deletion
  file_types text[] collate "C" not null
);
create index load_by_source on record.load (source, load_no desc);
create unique index load_published_once on record.load (source, manifest_hash) where state = 'published';

create table record.publication (
  p bigint primary key,
  source smallint not null references record.source,
  load_no bigint not null unique references record.load,
  published_at timestamptz not null
);
create index publication_by_source on record.publication (source, p desc) include (load_no, published_at);

create table record.resource_version (
  person_id uuid not null,
  valid_to bigint not null default 9223372036854775807,
  resource_id uuid not null,
  valid_from bigint not null,
  source smallint not null,
  type smallint not null,
  category text[] collate "C" not null,
  labels text[] collate "C" not null,
  codes text[] collate "C" not null,
  content_hash bytea not null,
  search_line text collate "C",
  body text collate "C",
  primary key (person_id, valid_to, resource_id)
) with (fillfactor = 100);
comment on column record.resource_version.body is 'Exact JSON as sent; null only after erasure.';
comment on column record.resource_version.search_line is 'Values of the search parameters, tab-separated; filled by the search parameter table.';

create table record.resource_key (
  resource_id uuid primary key,
  person_id uuid not null,
  source smallint not null,
  type smallint not null,
  load_no bigint not null,
  content_hash bytea not null,
  deleted boolean not null default false
);
-- A load compares the whole of its source in one pass; rows of a source lie together, so block ranges are enough.
create index resource_key_by_source on record.resource_key using brin (source) with (pages_per_range = 16, autosummarize = on);
comment on table record.resource_key is
  'The newest state of every resource, that of an unpublished load included: for loads. Readers may take the person from it, never whether the resource is there: that is what resource_version says.';
comment on column record.resource_key.person_id is
  'Changes at publication only. Directory types are nobody''s: 00000000-0000-0000-0000-000000000000.';

-- What an unpublished load has changed, with what was there before: a crash is undone from it, by key.
-- The prior columns are null where there was nothing.
create table record.load_change (
  load_no bigint not null,
  resource_id uuid not null,
  person_id uuid not null,
  prior_load_no bigint,
  prior_hash bytea,
  prior_deleted boolean,
  prior_person_id uuid,
  primary key (load_no, resource_id)
);

create table record.directory_version (
  resource_id uuid not null,
  valid_to bigint not null default 9223372036854775807,
  valid_from bigint not null,
  source smallint not null,
  type smallint not null,
  identifiers text[] collate "C" not null,
  content_hash bytea not null,
  body text collate "C",
  primary key (resource_id, valid_to)
);
create index directory_by_identifier on record.directory_version using gin (identifiers);
create index directory_by_type on record.directory_version (type, resource_id);

create table record.person (
  person_id uuid primary key,
  epoch bigint not null default 1,
  -- publication that last changed the identity: contributions judged before it are judged again
  identity_at bigint not null default 0,
  -- who established the identity, and what it established
  established_by smallint references record.source,
  birth_date text collate "C",
  family text collate "C",
  given text collate "C"
);
comment on column record.person.epoch is 'Grows by one whenever consent, agreement, restriction or identity of the person changes.';
comment on column record.person.family is 'Folded for comparison: lower case, no accents, letters only.';

create table record.person_number (
  nhs_number text collate "C" primary key,
  person_id uuid not null,
  status text collate "C" not null check (status in ('current', 'superseded'))
);
create index person_number_by_person on record.person_number (person_id) include (nhs_number);

create table record.person_link (
  person_id uuid not null,
  valid_from timestamptz not null,
  valid_to timestamptz not null default 'infinity',
  cluster_id uuid not null,
  primary key (person_id, valid_to)
);
create index person_link_by_cluster on record.person_link (cluster_id, valid_to);

-- A source's own patients: which person each of them is. Those that may not be held (no agreement, closed case) are
-- not here.
create table record.source_patient (
  source smallint not null,
  local_id text collate "C" not null,
  person_id uuid,
  state text collate "C" not null check (state in ('accepted', 'quarantined', 'unmatched', 'withheld')),
  reason text collate "C",
  custodian text collate "C",
  content_hash bytea not null,
  nhs_number text collate "C",
  birth_date text collate "C" not null,
  family text collate "C" not null,
  given text collate "C" not null,
  -- every name it gave, folded, as `family<tab>given`
  names text[] collate "C" not null,
  restricted boolean not null,
  -- newest publication that its judgement took into account
  judged_at bigint not null,
  primary key (source, local_id)
);
create index source_patient_by_number on record.source_patient (nhs_number, source);
create index source_patient_by_person on record.source_patient (person_id, source);

-- Contributions that contradict the established identity: never gathered, whatever was loaded before.
create table record.quarantine (
  person_id uuid not null,
  source smallint not null,
  reason text collate "C" not null,
  primary key (person_id, source)
);

-- Medication and Binary are stored once for every person whose rows refer to them: whose rows refer to which.
create table record.referenced (
  source smallint not null,
  type smallint not null,
  local_id text collate "C" not null,
  person_id uuid not null,
  resource_id uuid not null,
  primary key (source, type, local_id, person_id)
);
create index referenced_by_person on record.referenced (person_id, source);

create table record.restriction (
  person_id uuid not null,
  source smallint not null,
  primary key (person_id, source)
);

-- Demographics as each source gives them, folded, to find candidates; what is shown is matched again afterwards.
create table record.person_search (
  person_id uuid not null,
  source smallint not null,
  birth_date text collate "C" not null,
  family text collate "C" not null,
  given text collate "C" not null,
  primary key (person_id, source, birth_date, family, given)
);
create index person_search_by_demographics on record.person_search (birth_date, family);

-- Consent: current, unversioned. An opt-out is keyed by number: it survives quarantine and a change of practice.
create table record.opt_out (
  nhs_number text collate "C" primary key,
  opted_out boolean not null,
  entered_at timestamptz not null,
  source smallint not null,
  resource_id uuid not null unique
);
comment on column record.opt_out.entered_at is
  'Where the source gave a day: of an opt-out the day''s end, of its withdrawal the beginning. In doubt the opt-out is the later one.';

create table record.agreement (
  person_id uuid not null,
  source smallint not null,
  given boolean not null,
  given_by text,
  given_by_relationship text collate "C",
  recorded_at timestamptz not null,
  start_date date,
  end_date date,
  resource_id uuid not null unique,
  primary key (person_id, source)
);

create table record.staff_identity (
  organisation text collate "C" not null,
  user_id text collate "C" not null,
  nhs_hmac text collate "C" not null,
  primary key (organisation, user_id, nhs_hmac)
);

create table record.reject (
  load_no bigint not null,
  file text collate "C" not null,
  line bigint not null,
  rule text collate "C" not null,
  element text,
  hint text not null,
  primary key (load_no, file, line, rule)
);

-- The one role that serves and loads. It owns nothing and cannot change the schema.
do $$ begin
  create role mcr_record nologin;
exception when duplicate_object or unique_violation then null;
end $$;
grant usage on schema record to mcr_record;
grant select, insert, update, delete on all tables in schema record to mcr_record;
