-- What retention has removed of the history: a record as it was says so, instead of showing less than there was.
create table record.history_removed (
  source smallint primary key references record.source,
  before_load bigint not null,
  removed_at timestamptz not null
);
comment on column record.history_removed.before_load is
  'Versions that a load up to this one closed may be gone. Said before any is removed, so that a removal that stops half way is told as well.';
grant select, insert, update on record.history_removed to mcr_record;
