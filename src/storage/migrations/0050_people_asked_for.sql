-- Whom an event counts for against the limits of people asked for in an hour: the person where something of theirs was
-- shown, else a keyed hash of the name that was asked by. Only events that counted somebody anew have it, so that the
-- index below holds a small part of the log, and other processes learn of an hour by reading that alone.
alter table audit.event add column asked uuid;
comment on column audit.event.asked is
  'Counted anew for this user or client within an hour (src/record/people-asked.ts); null where nobody was. Not hashed.';
create index event_asked on audit.event (recorded) where asked is not null;
