import { listOf } from './people.ts';
import type { Json } from './shared-data.ts';

/** Which partner would have recorded what Synthea made up. */

export const PARTNERS = ['gp', 'acute', 'community', 'mental-health', 'ambulance', 'out-of-hours'] as const;

export type Partner = (typeof PARTNERS)[number];

/** What of an encounter matters for who recorded it. */
export type EncounterKind = 'emergency' | 'inpatient' | 'urgent' | 'ordinary';

/** Emergency, inpatient and urgent encounters among a person's resources, by `Encounter/id`. */
export function encounterKinds(resources: readonly Json[]): ReadonlyMap<string, EncounterKind> {
  const encounters = resources.filter((resource) => resource['resourceType'] === 'Encounter');
  return new Map(encounters.map((encounter) => [`Encounter/${encounter['id']}`, kindOf(encounter)]));
}

function kindOf(encounter: Json): EncounterKind {
  const { code } = encounter['class'] as Json;
  if (code === 'EMER') return 'emergency';
  if (code === 'IMP') return 'inpatient';
  return /urgent care|for problem/i.test(JSON.stringify(encounter['type'])) ? 'urgent' : 'ordinary';
}

export function partnerOf(resource: Json, kinds: ReadonlyMap<string, EncounterKind>): Partner {
  const kind = kinds.get(encounterOf(resource));
  switch (resource['resourceType']) {
    case 'CarePlan':
    case 'CareTeam':
      return 'community';
    case 'Encounter':
    case 'Procedure':
    case 'DiagnosticReport':
    case 'DocumentReference':
      if (kind === 'emergency' || kind === 'inpatient') return 'acute';
      return kind === 'urgent' ? 'out-of-hours' : 'gp';
    case 'Observation':
      if (/"(survey|social-history)"/.test(JSON.stringify(resource['category']))) return 'mental-health';
      if (kind === 'emergency') return 'ambulance';
      return kind === 'inpatient' ? 'acute' : kind === 'urgent' ? 'out-of-hours' : 'gp';
    default:
      return 'gp';
  }
}

/** The `Encounter/id` that a resource is, or belongs to. */
function encounterOf(resource: Json): string {
  if (resource['resourceType'] === 'Encounter') return `Encounter/${resource['id']}`;
  const context = resource['context'] as Json | undefined;
  const [inContext] = listOf(context?.['encounter']);
  const encounter = (resource['encounter'] ?? inContext) as Json | undefined;
  return String(encounter?.['reference']);
}
