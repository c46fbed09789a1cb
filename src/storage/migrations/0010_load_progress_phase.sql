-- Since when the phase runs: its rate, and the time that is left of it.
alter table record.load_progress add column phase_began timestamptz not null default now();
