import type {
  CapabilityStatement,
  CapabilityStatementRestResource,
  CapabilityStatementRestResourceSearchParam,
} from '@medplum/fhirtypes';
import { indexedParameters } from '../fhir/search/indexed.ts';
import type { ParameterDefinition } from '../fhir/search/parameter.ts';
import { SEARCH_LIMITS } from '../fhir/search/parse.ts';
import { SERVED_NAMES, type ServedTypeName } from '../fhir/served.ts';
import { MOST_ENTRIES } from './batch.ts';
import { type ConformanceResource, supportedProfiles } from './conformance.ts';
import { CONFORMANCE_PARAMETERS } from './conformance-routes.ts';
import { includesOf, interactionsOf, OPERATIONS, revIncludesOf, VERSIONED } from './interactions.ts';
import { SEARCHES } from './searches.ts';

/** What is the same for every type, in the words of whoever reads the statement. */
const DOCUMENTATION =
  'View-only. Unknown or unsupported search parameters, modifiers and prefixes are refused with 400, always, whatever ' +
  'Prefer: handling says. What the caller may not see is left out before anything is counted, sorted, paged, included or ' +
  'looked into: a resource that is withheld and one that does not exist read the same. A clinical search is about one ' +
  'person (patient). Chains, _has, _include and _revinclude reach what the caller may see of that person, and the ' +
  'directories. A searchset names the sources that are missing or out of date in an entry of mode "outcome"; Prefer: ' +
  'completeness=required answers 503 instead. Next links hold for 15 minutes, for the same caller, at one moment of the ' +
  `record; every page is decided anew. Limits of one search: ${SEARCH_LIMITS.parameters} parameters, ` +
  `${SEARCH_LIMITS.values} values of one and ${SEARCH_LIMITS.allValues} of all, ${SEARCH_LIMITS.length} characters, ` +
  `${SEARCH_LIMITS.chains} chains and _has, each of at most ${SEARCH_LIMITS.chainDepth} references; 1,000 entries a ` +
  `page and as many included. A batch has at most ${MOST_ENTRIES} entries, reads and searches alone.`;

/**
 * The CapabilityStatement (R4 capabilitystatement.html), made from the tables that the routes are made from, so that
 * it states what is there and nothing else.
 *
 * @param date instant of the program's build or start, ISO 8601
 * @param cors whether pages of some origins may ask
 * @param conformance our own profiles and code systems, which are served beside the record
 */
export function capabilityStatement(
  baseUrl: string,
  version: string,
  date: string,
  cors: boolean,
  conformance: readonly ConformanceResource[],
): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    url: `${baseUrl}/metadata`,
    version,
    name: 'MyCareRecord',
    title: 'My Care Record',
    status: 'active',
    date,
    publisher: 'My Care Record, Buckinghamshire',
    description: 'What the FHIR API of the shared, view-only care record of Buckinghamshire offers.',
    kind: 'instance',
    software: { name: 'My Care Record', version },
    implementation: { description: 'The shared, view-only care record of Buckinghamshire', url: baseUrl },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        documentation: DOCUMENTATION,
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
        resource: [
          ...SERVED_NAMES.map((type) => resource(type, supportedProfiles(type, conformance))),
          ...[...new Set(conformance.map(({ type }) => type))].map(conformanceType),
        ],
        interaction: [{ code: 'batch', documentation: 'GET entries, each decided and audited on its own.' }],
      },
    ],
  };
}

function resource(
  type: ServedTypeName,
  supportedProfile: readonly string[],
): CapabilityStatementRestResource {
  const [search, searchInclude, searchRevInclude] = [SEARCHES[type], includesOf(type), revIncludesOf(type)];
  const operation = OPERATIONS.filter(({ types }) => types.includes(type)).map(
    ({ name, definition, documentation }) => ({ name, definition, documentation }),
  );
  return {
    type,
    ...(supportedProfile.length === 0 ? {} : { supportedProfile: [...supportedProfile] }),
    interaction: interactionsOf(type).map((code) => ({ code })),
    versioning: VERSIONED.includes(type) ? 'versioned' : 'no-version',
    readHistory: VERSIONED.includes(type),
    updateCreate: false,
    conditionalRead: 'not-supported',
    referencePolicy: ['literal', 'logical', 'local'],
    ...(searchInclude.length === 0 ? {} : { searchInclude: [...searchInclude] }),
    ...(searchRevInclude.length === 0 ? {} : { searchRevInclude: [...searchRevInclude] }),
    ...(search === undefined
      ? {}
      : { searchParam: search.parameters.flatMap((each) => searchParam(type, each)) }),
    ...(operation.length === 0 ? {} : { operation }),
  };
}

/** `_has` is no parameter with a definition of its own: the documentation speaks of it. */
function searchParam(
  type: ServedTypeName,
  { name, type: kind, suffixes = [] }: ParameterDefinition,
): CapabilityStatementRestResourceSearchParam[] {
  if (name === '_has') return [];
  const definition =
    name === '_id'
      ? 'http://hl7.org/fhir/SearchParameter/Resource-id'
      : indexedParameters(type).get(name)?.url;
  const modifiers = suffixes.filter((suffix) => /^:[a-z]/.test(suffix));
  return [
    {
      name,
      type: name === '_id' ? 'token' : kind,
      ...(definition === undefined ? {} : { definition }),
      ...(modifiers.length === 0 ? {} : { documentation: `Modifiers: ${modifiers.join(' ')}` }),
    },
  ];
}

/** Our own profiles and code systems are for anybody, and about nobody. */
function conformanceType(type: string): CapabilityStatementRestResource {
  return {
    type: type as CapabilityStatementRestResource['type'],
    interaction: [{ code: 'read' }, { code: 'search-type' }],
    versioning: 'no-version',
    searchParam: CONFORMANCE_PARAMETERS.map(({ name, type: kind }) => ({
      name,
      type: name === '_id' ? 'token' : kind,
    })),
  };
}
