import type { CapabilityStatement, CapabilityStatementRestResource } from '@medplum/fhirtypes';
import { SERVED_NAMES, type ServedTypeName } from '../fhir/served.ts';
import { SEARCHES } from './searches.ts';

const PROFILED: readonly ServedTypeName[] = SERVED_NAMES.filter(
  (type) => !['AuditEvent', 'Provenance', 'Binary'].includes(type),
);

/**
 * The CapabilityStatement (R4 capabilitystatement.html), made from the tables that the routes are made from, so that
 * it states what is there and nothing else.
 *
 * @param date instant of the program's build or start, ISO 8601
 * @param cors whether pages of some origins may ask
 */
export function capabilityStatement(
  baseUrl: string,
  version: string,
  date: string,
  cors: boolean,
): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date,
    kind: 'instance',
    software: { name: 'My Care Record', version },
    implementation: { description: 'The shared, view-only care record of Buckinghamshire', url: baseUrl },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        documentation:
          'View-only. Unknown or unsupported search parameters, modifiers and prefixes are refused with 400, always. ' +
          'What the caller may not see is left out before anything is counted, sorted or paged: a resource that is ' +
          'withheld and one that does not exist read the same. A searchset names the sources that are missing or out ' +
          'of date in an entry of mode "outcome"; Prefer: completeness=required answers 503 instead.',
        security: {
          cors,
          service: [
            {
              coding: [
                {
                  system: 'http://terminology.hl7.org/CodeSystem/restful-security-service',
                  code: 'SMART-on-FHIR',
                },
              ],
            },
          ],
          description:
            'Bearer tokens of configured issuers, with SMART scopes v1 or v2. See .well-known/smart-configuration.',
        },
        resource: SERVED_NAMES.map((type) => resource(type)),
      },
    ],
  };
}

function resource(type: ServedTypeName): CapabilityStatementRestResource {
  const search = SEARCHES[type];
  return {
    type,
    ...(PROFILED.includes(type)
      ? { supportedProfile: [`https://fhir.hl7.org.uk/StructureDefinition/UKCore-${type}`] }
      : {}),
    interaction: [{ code: 'read' }, ...(search === undefined ? [] : [{ code: 'search-type' } as const])],
    versioning: 'no-version',
    readHistory: false,
    updateCreate: false,
    ...(search === undefined
      ? {}
      : {
          searchParam: search.parameters.map(({ name, type: kind, documentation }) => ({
            name,
            type: kind,
            documentation,
          })),
        }),
    ...(type === 'Patient'
      ? {
          operation: [
            { name: 'everything', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything' },
          ],
        }
      : {}),
  };
}
