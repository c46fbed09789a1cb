-- Search lines of directory rows, as resource_version has had them from the start; filled by the next load of a source.
alter table record.directory_version add column search_line text collate "C";
comment on column record.resource_version.search_line is
  'Values of the search parameters between tabs (src/fhir/search/line.ts); null in rows stored before there were any: those are read from their text.';
comment on column record.directory_version.search_line is 'As in resource_version.';

-- Identifiers are found regardless of case, as all codes are: values are kept in lower case.
update record.directory_version d set identifiers = array(
  select split_part(i, '|', 1) || '|' || lower(substr(i, strpos(i, '|') + 1)) from unnest(d.identifiers) i);
