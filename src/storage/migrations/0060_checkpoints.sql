-- Checkpoints of the audit log, signed and given to witnesses outside. The first one is the genesis: it seals whatever
-- events and batches there are when it is made. Audit log design 4.3.
create table audit.checkpoint (
  no bigint primary key check (no > 0),
  recorded timestamptz not null,
  jws text collate "C" not null,
  frontiers bytea not null
);
comment on column audit.checkpoint.jws is 'Compact JWS (src/audit/checkpoint.ts): what witnesses hold, byte by byte.';
comment on column audit.checkpoint.frontiers is
  'Roots of the full subtrees of every shard, in the order of the checkpoint''s shards (src/audit/tree.ts).';
create trigger refuse_change before update or delete on audit.checkpoint
  for each row execute function audit.refuse();
create trigger refuse_truncate before truncate on audit.checkpoint
  for each statement execute function audit.refuse();
alter table audit.checkpoint enable always trigger refuse_change;
alter table audit.checkpoint enable always trigger refuse_truncate;
grant select on audit.checkpoint to mcr_auditor;

-- Whoever writes the log also seals it. Leaves are hashes with a salt: they say nothing of anybody.
grant select, insert on audit.checkpoint to mcr_journal;
grant select (month, shard, seq, leaf) on audit.event to mcr_journal;
