-- Loads that a guard holds for a human, and rejected rows that come again.
alter table record.load drop constraint load_state_check;
alter table record.load add constraint load_state_check check (state in
  ('running', 'published', 'refused', 'failed', 'undone', 'duplicate', 'held', 'released', 'superseded'));

-- What a human said about a held load: as what it ended is its state.
alter table record.load add column operator text;
alter table record.load add column decision_reason text;
alter table record.load add column decided_at timestamptz;
-- the held load whose extract this one loads again
alter table record.load add column releases bigint references record.load;
create index load_held on record.load (source) where state = 'held';
comment on column record.load.state is
  'held: a guard tripped and somebody must decide; released: its extract was loaded again and published; superseded: a later load of its source was published or held.';

-- What a row hashes to, with the versions of mapper and sharing policy: the same row, rejected before, is known again.
alter table record.reject add column row_hash bytea;
alter table record.reject add column rejected_before boolean not null default false;
create index reject_by_row on record.reject (row_hash) where row_hash is not null;
