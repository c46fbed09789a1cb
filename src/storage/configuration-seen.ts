import type { Database } from './database.ts';

/** Parts of a configuration by name, each with a version or a hash of it. */
export type ConfigurationParts = Readonly<Record<string, string>>;

export interface SeenConfiguration {
  readonly version: string;
  readonly parts: ConfigurationParts;
}

/** The configuration that was last started with; absent: none was. */
export async function lastConfiguration(database: Database): Promise<SeenConfiguration | undefined> {
  const [row] = await database.read(LAST, []);
  return row === undefined ? undefined : { version: row[0] as string, parts: row[1] as ConfigurationParts };
}

export function rememberConfiguration(database: Database, seen: SeenConfiguration): Promise<void> {
  return database.write(REMEMBER, [seen.version, JSON.stringify(seen.parts)]);
}

const LAST = {
  name: 'configuration-last',
  text: 'select version, parts from record.configuration_seen order by no desc limit 1',
};
const REMEMBER = {
  name: 'configuration-remember',
  text: 'insert into record.configuration_seen (version, parts) values ($1, $2::jsonb)',
};
