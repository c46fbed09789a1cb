-- Extracts that bring what has changed, beside those that bring everything.
alter table record.load drop constraint load_kind_check;
alter table record.load add constraint load_kind_check check (kind in ('full', 'delta'));
comment on column record.load.kind is
  'full: what is absent was deleted at the source; delta: what is absent stands. Each delta follows the load of the sequence before.';
