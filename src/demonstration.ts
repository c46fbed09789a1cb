import { join } from 'node:path';
import type { CountyOptions, CountySummary } from '../demo/county/model.ts';
import type { DemoTokenOptions } from '../demo/issuer.ts';
import type { Configuration } from './config.ts';
import { accountToken } from './token-issue.ts';
import type { Service } from './wire.ts';

/**
 * The demonstration lies outside `src/`, and an installation for real people does not have it: it is reached from here
 * alone, when it is asked for, and never in production mode.
 */
export async function prepareDemonstration(
  service: Service,
  say: (sentence: string) => void,
): Promise<readonly string[]> {
  refuseInProduction(service.configuration);
  const { prepare } = await import('../demo/prepare.ts');
  return prepare(service, say);
}

export async function generateDemonstration(
  folder: string,
  options: CountyOptions,
  progress: (done: number, of: number) => void,
): Promise<CountySummary> {
  const { generateCounty } = await import('../demo/county/generate.ts');
  return generateCounty(folder, options, progress);
}

/** A token that the audit log does not know of yet: it is for {@link accountDemonstrationToken} first. */
export async function demonstrationToken(
  configuration: Configuration,
  options: DemoTokenOptions,
): Promise<string> {
  refuseInProduction(configuration);
  const { demoToken } = await import('../demo/issuer.ts');
  return demoToken(keysFolder(configuration), configuration.fhirBase, options);
}

/** Tells the audit log of the token, before it is given. */
export async function accountDemonstrationToken(
  service: Service,
  token: string,
  { kind, organisation, role, scope, lifetime }: DemoTokenOptions,
): Promise<void> {
  const { DEMO_LIFETIME } = await import('../demo/issuer.ts');
  const asked = Object.entries({ kind, organisation, role, scope }).filter(
    ([, value]) => value !== undefined,
  );
  const words = asked.map(([name, value]) => `--${name} ${value}`).join(' ');
  await accountToken(service, token, { request: `mcr token ${words}`, seconds: lifetime ?? DEMO_LIFETIME });
}

/** Where the demonstration's keys are. */
export function keysFolder(configuration: Configuration): string {
  return join(configuration.dataFolder, 'keys');
}

function refuseInProduction(configuration: Configuration): void {
  if (configuration.mode !== 'demo') throw new Error('This is for the demonstration only.');
}
