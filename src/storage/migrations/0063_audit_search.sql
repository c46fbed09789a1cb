-- What audit searches are narrowed by (src/storage/audit-search.ts, docs/decisions/0062). An index of the parent is made in
-- every partition, and make_partitions() makes those to come like the parent.
create index event_by_agent on audit.event (agent, recorded) where agent is not null;
create index event_by_request on audit.event using hash (request_id);
-- Codes are compared regardless of case, as R4 compares tokens. Not partial: PostgreSQL would not use what it knows of how
-- many events an organisation has, and read all of a large one's.
create index event_by_organisation_code on audit.event (lower(organisation), recorded);
drop index audit.event_by_organisation;
-- The unusual is a small part of the log, and what is asked for most: a read for direct care is in none of these.
create index event_refused on audit.event (recorded, event_id) where outcome <> 0;
create index event_of_unusual_purpose on audit.event (recorded, event_id)
  where purpose not in ('TREAT', 'CAREMGT', 'COC', 'PATRQT');
create index event_of_unusual_kind on audit.event (kind, recorded)
  where kind not in ('read', 'vread', 'history-instance', 'search-type', 'everything', 'summary', 'match');

-- Whose patients people are: an officer sees what was done about those of their own organisation (docs/decisions/0063).
create index source_patient_by_custodian on record.source_patient (custodian, person_id) where custodian is not null;
