-- How far the load that runs has come, for operators to see; of each source one at a time loads. No personal data.
create unlogged table record.load_progress (
  source smallint primary key references record.source (number),
  load_phase text not null,
  done bigint not null,
  total bigint not null,
  updated_at timestamptz not null
);
grant select, insert, update, delete on record.load_progress to mcr_record;
