-- Each version of the policy that something was decided under, as its exact text: its version is the hash of it. Added
-- to and never changed, so that what an audit event names can be read again (docs/decisions/0064).
create table record.policy_version (
  version text collate "C" primary key,
  document text collate "C" not null,
  first_used timestamptz not null
);
grant select, insert on record.policy_version to mcr_record;
