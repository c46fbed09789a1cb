import { ukCoreProfileOf } from '../fhir/uk-core.ts';

/** A conformance resource of our own (R4 resourcelist.html, conformance): what `profiles/` holds, a file each. */
export interface ConformanceResource {
  /** `StructureDefinition`, `CodeSystem`, `ValueSet`, `SearchParameter`, `OperationDefinition` */
  readonly type: string;
  readonly id: string;
  readonly url: string;
  readonly version: string;
  readonly name: string;
  readonly status: string;
  /** of a profile: the type of resource that it constrains */
  readonly constrains?: string;
  /** JSON as it is sent */
  readonly body: string;
}

/**
 * Profiles that resources of a type in our answers may declare, for `supportedProfile` of the CapabilityStatement: UK
 * Core's, then our own.
 */
export function supportedProfiles(
  type: string,
  conformance: readonly ConformanceResource[],
): readonly string[] {
  const ukCore = ukCoreProfileOf(type);
  const own = conformance.filter((resource) => resource.constrains === type).map(({ url }) => url);
  return ukCore === undefined ? own : [ukCore, ...own];
}
