import type { ErrorObject } from 'ajv';

/** A sentence for each way in which a file is not as its schema says, with its path. */
export function schemaFaults(errors: readonly ErrorObject[]): string[] {
  // that a condition failed says nothing beside what failed in it
  return errors.filter((error) => error.keyword !== 'if').map(sentence);
}

function sentence(error: ErrorObject): string {
  const at = error.instancePath === '' ? 'the file' : error.instancePath;
  const extra =
    'additionalProperty' in error.params ? `: "${String(error.params['additionalProperty'])}"` : '';
  const allowed = 'allowedValues' in error.params ? `: ${String(error.params['allowedValues'])}` : '';
  return `${at} ${error.message ?? 'is wrong'}${extra}${allowed}`;
}
