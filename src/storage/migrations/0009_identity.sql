-- Identity over time: numbers that gave way to others, and numbers that are never one person's.

-- What was said of numbers, kept after it ended. Who is linked now stands in person_link and is made of this.
create table record.number_change (
  old_number text collate "C" not null,
  new_number text collate "C" not null,
  kind text collate "C" not null check (kind in ('superseded', 'merged')),
  changed_on date not null,
  stated_at timestamptz not null default now(),
  ended_at timestamptz,
  primary key (old_number, new_number, changed_on),
  check (old_number <> new_number)
);
create unique index number_change_in_force on record.number_change (old_number) where ended_at is null;
comment on column record.number_change.ended_at is
  'Unmerged, or overtaken by a later change. The same change said again does not come back.';

create table record.never_link (
  one text collate "C" not null,
  other text collate "C" not null,
  primary key (one, other),
  check (one < other)
);
comment on table record.never_link is
  'Pairs of numbers that are never linked, whatever is said of them: identities left behind by adoption. Shown nowhere.';

create index person_link_open on record.person_link (person_id) where valid_to = 'infinity';
comment on column record.person_link.cluster_id is
  'The person of the number in force, who has a row too. Those linked are shown as this one.';

grant select, insert, update, delete on record.number_change, record.never_link to mcr_record;
