import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { demoToken, makeIssuerKeys } from '../../demo/issuer.ts';
import { readConfiguration } from '../../src/config.ts';
import { startDatabase } from '../../src/database-start.ts';
import { type Service, wire } from '../../src/wire.ts';
import { repositoryRoot } from '../support/root.ts';
import type { Ground } from './ground.ts';
import { MARKER, numberOf } from './nights-county.ts';
import type { Expected } from './nights-model.ts';

/** The whole service over the rig's database, as the demonstration has it, and a clinician who reads. */
export class NightService {
  readonly service: Service;
  readonly #client: pg.Client;
  readonly #arguments: readonly string[];
  readonly #token: string;

  private constructor(service: Service, client: pg.Client, args: readonly string[], token: string) {
    this.service = service;
    this.#client = client;
    this.#arguments = args;
    this.#token = token;
  }

  static async start(ground: Ground): Promise<NightService> {
    await ground.copy('nights', 'migrated');
    const content = JSON.parse(readFileSync(join(repositoryRoot(), 'demo', 'config.json'), 'utf8')) as {
      sources: { sector: string; guards?: object }[];
    };
    const limits = { requestsPerMinute: 1e9, peoplePerUserHour: 1e9, peoplePerClientHour: 1e9 };
    Object.assign(content, { fhirBase: 'http://127.0.0.1:8080/fhir', logLevel: 'silent', limits });
    // so few people are judged nowhere else
    for (const source of content.sources) if (source.sector === 'health') source.guards = { least: 10 };
    const file = join(ground.folder, 'config.json');
    writeFileSync(file, JSON.stringify(content));
    const data = join(ground.folder, 'data');
    const url = ground.url('nights');
    const env = { MCR_CONFIG: file, MCR_DATA: data, MCR_DATABASE_URL: url, MCR_PORT: '0' };
    const configuration = readConfiguration(env, repositoryRoot());
    const keys = join(data, 'keys');
    mkdirSync(keys, { recursive: true });
    await makeIssuerKeys(keys);
    const service = await wire(configuration, await startDatabase(configuration, () => {}));
    const clinician = { kind: 'staff', organisation: 'RXQ', role: 'consultant' } as const;
    const token = await demoToken(keys, configuration.fhirBase, clinician);
    return new NightService(service, await ground.client('nights'), [file, data, url], token);
  }

  /** What a clinician gets to see of a person, over the API. */
  async record(person: number): Promise<Expected & { readonly status: number }> {
    const found = await this.rows(
      'select person_id::text as id from record.person_number where nhs_number = $1',
      [numberOf(person)],
    );
    const answer = await this.service.app.inject({
      url: `/fhir/Patient/${String(found[0]?.['id'] ?? '')}/$everything?_count=1000`,
      headers: { authorization: `Bearer ${this.#token}` },
    });
    const markers = [...new Set([...answer.body.matchAll(MARKER)].map(([text]) => text))].sort();
    const { statusCode: status } = answer;
    if (answer.body.includes('consent-withdrawn')) return { status, state: 'opted-out', markers };
    return { status, state: status === 404 ? 'restricted' : 'shown', markers };
  }

  async rows(sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
    return (await this.#client.query<Record<string, unknown>>(sql, [...values])).rows;
  }

  /** @returns the signal that ended it; null: the load was over first */
  killedIn(phase: string, source: string, folder: string): Promise<string | null> {
    const program = fileURLToPath(new URL('./nights-killed.js', import.meta.url));
    const args = [program, ...this.#arguments, source, folder, phase];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    return new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal)));
  }

  async close(): Promise<void> {
    await this.service.close();
    await this.#client.end();
  }
}
