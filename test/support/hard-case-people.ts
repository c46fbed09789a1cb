import pg from 'pg';
import { CALLERS } from './hard-cases.ts';
import type { TestService } from './service.ts';

async function database<T>(service: TestService, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: service.databaseUrl });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** The county's people by NHS number, from behind the service. */
export async function personIds(service: TestService): Promise<ReadonlyMap<string, string>> {
  const { rows } = await database(service, (client) =>
    client.query<{ nhs_number: string; person_id: string }>(
      'select nhs_number, person_id from record.person_number',
    ),
  );
  return new Map(rows.map((row) => [row.nhs_number, row.person_id]));
}

/** Lets the practice forget how a person is reached, so that what is shown of it would be another partner's. */
export async function practiceKnowsNoAddress(service: TestService, personId: string): Promise<void> {
  const { rowCount } = await database(service, (client) =>
    client.query(
      `update record.resource_version set body = (body::jsonb - 'telecom' - 'address')::text
        where person_id = $1 and source = 1 and body::jsonb ->> 'resourceType' = 'Patient'`,
      [personId],
    ),
  );
  if (rowCount !== 1) throw new Error('The practice has no Patient to change.');
}

/** @param nhsNumber of whom is asked about: `the person` is that person */
export function tokenOf(service: TestService, caller: string, nhsNumber: string): Promise<string> {
  const options = CALLERS[caller];
  if (options === undefined) throw new Error(`There is no caller ${caller}.`);
  if (options === 'self') return service.token({ kind: 'patient', nhsNumber });
  if (options !== 'another') return service.token(options);
  return service.token({ kind: 'patient', nhsNumber: service.person('only-gp').nhsNumber ?? '' });
}
