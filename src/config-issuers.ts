import { resolve } from 'node:path';
import type { IssuerConfiguration, IssuerKeys } from './access/issuers.ts';

interface Places {
  readonly fhirBase: string;
  readonly dataFolder: string;
  /** of the configuration file */
  readonly folder: string;
}

/** An issuer with `{fhirBase}` filled in, and its and its clients' key sets where they are. */
export function placedIssuer(
  issuer: IssuerConfiguration,
  { fhirBase, dataFolder, folder }: Places,
): IssuerConfiguration {
  const keysOf = (keys: IssuerKeys): IssuerKeys =>
    'file' in keys ? { file: placed(keys.file, dataFolder, folder) } : keys;
  const clients = Object.entries(issuer.clients ?? {}).map(
    ([id, { keys, ...client }]) =>
      [id, { ...client, ...(keys === undefined ? {} : { keys: keysOf(keys) }) }] as const,
  );
  return {
    ...issuer,
    audience: issuer.audience.map((audience) => (audience === '{fhirBase}' ? fhirBase : audience)),
    keys: keysOf(issuer.keys),
    clients: Object.fromEntries(clients),
  };
}

/** A path of the file: below the data folder where it says so, else beside the configuration. */
function placed(path: string, dataFolder: string, folder: string): string {
  return resolve(folder, path.replace('{dataFolder}', dataFolder));
}
