-- Consents that are limited: to organisations, purposes, types, days (src/access/consent-limits.ts).

-- Refusals beside the one opt-out of a number: a later refusal that is limited never takes the place of a full one. They
-- end by a later permission of the number, which the reader looks for, or by their own last day.
create table record.limited_opt_out (
  resource_id uuid primary key,
  nhs_number text collate "C" not null,
  entered_at timestamptz not null,
  source smallint not null,
  limits jsonb not null
);
create index limited_opt_out_by_number on record.limited_opt_out (nhs_number);

alter table record.agreement add column limits jsonb;
comment on column record.agreement.limits is 'Null: none.';

grant select, insert, update, delete on record.limited_opt_out to mcr_record;
