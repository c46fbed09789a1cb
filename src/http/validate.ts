import type { OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes';
import { Problem } from '../fhir/problem.ts';
import { validateStructure } from '../fhir/structure.ts';
import { operationInputs, resourceInput } from './parameters.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * `[type]/$validate` (R4 resource-operation-validate): whether a resource is base FHIR R4, by the same check that every
 * row of a load passes. Nothing of the record is looked at, and nothing of the resource is repeated: faults name elements.
 *
 * @param body the resource, or Parameters with it
 * @throws Problem `invalid` where there is no resource of the type, `unsupported` for other modes and profiles
 */
export function validationOutcome(type: string, body: Json): OperationOutcome {
  const resource = resourceOf(body);
  if (resource['resourceType'] !== type) {
    throw new Problem('invalid', `The body holds no ${type}.`, { expression: ['resourceType'] });
  }
  const faults = validateStructure(resource);
  const issue = faults.map(
    ({ element, rule }): OperationOutcomeIssue => ({
      severity: 'error',
      code: 'structure',
      details: { text: rule },
      expression: [element],
    }),
  );
  const sound: OperationOutcomeIssue = {
    severity: 'information',
    code: 'informational',
    details: {
      text: 'The resource is valid by the base rules of FHIR R4. Profiles and invariants are not checked here.',
    },
  };
  return { resourceType: 'OperationOutcome', issue: issue.length === 0 ? [sound] : issue };
}

function resourceOf(body: Json): Json {
  if (body['resourceType'] !== 'Parameters') return body;
  const inputs = operationInputs(body, ['resource', 'mode', 'profile']);
  const mode = inputs.find(({ name }) => name === 'mode')?.text;
  if (mode !== undefined && mode !== 'create' && mode !== 'update') {
    throw new Problem('unsupported', 'Only the content of a resource is checked: leave mode out.', {
      expression: ['mode'],
    });
  }
  if (inputs.some(({ name }) => name === 'profile')) {
    throw new Problem('unsupported', 'Only base FHIR R4 is checked: leave profile out.', {
      expression: ['profile'],
    });
  }
  return resourceInput(inputs);
}
