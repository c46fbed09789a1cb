import { Problem } from '../fhir/problem.ts';

/** The Parameters resource in which operations are asked (R4 parameters.html). */

type Json = Readonly<Record<string, unknown>>;

/** What one parameter holds: a primitive, or a resource. */
export interface OperationInput {
  readonly name: string;
  /** a primitive's value, as text */
  readonly text?: string;
  readonly resource?: Json;
}

/**
 * @param known names that the operation takes
 * @throws Problem `invalid` for what is no Parameters resource, a name given twice that may come once, or a value of
 *   another kind; `unsupported` for a name that is not known
 */
export function operationInputs(
  body: Json,
  known: readonly string[],
  repeated: readonly string[] = [],
): readonly OperationInput[] {
  const { resourceType, parameter } = body;
  if (resourceType !== 'Parameters') throw new Problem('invalid', 'Send a Parameters resource as the body.');
  const inputs = (Array.isArray(parameter) ? parameter : []).map((each) => inputOf(each, known));
  for (const { name } of inputs) {
    const again = inputs.filter((each) => each.name === name).length > 1;
    if (again && !repeated.includes(name)) throw refused('invalid', name, 'may be given only once');
  }
  return inputs;
}

function inputOf(parameter: unknown, known: readonly string[]): OperationInput {
  if (typeof parameter !== 'object' || parameter === null)
    throw new Problem('invalid', 'A parameter is not an object.');
  const { name, resource, ...rest } = parameter as Json;
  if (typeof name !== 'string' || !known.includes(name)) {
    throw new Problem('unsupported', `This operation takes ${known.join(', ')}.`);
  }
  const values = Object.entries(rest).filter(([member]) => member.startsWith('value'));
  const [value] = values.map(([, each]) => each);
  if (Object.keys(rest).length !== values.length || values.length + (resource === undefined ? 0 : 1) !== 1) {
    throw refused('invalid', name, 'holds one value or one resource');
  }
  if (resource !== undefined) {
    if (typeof resource !== 'object' || resource === null || Array.isArray(resource)) {
      throw refused('invalid', name, 'holds no resource');
    }
    return { name, resource: resource as Json };
  }
  if (typeof value === 'object') throw refused('invalid', name, 'takes a simple value');
  return { name, text: String(value) };
}

function refused(kind: 'invalid', name: string, what: string): Problem {
  return new Problem(kind, `The parameter ${name} ${what}.`, { expression: [name] });
}

/** The resource of the parameter `resource`. @throws Problem `invalid` where it is missing */
export function resourceInput(inputs: readonly OperationInput[]): Json {
  const found = inputs.find(({ name }) => name === 'resource')?.resource;
  if (found === undefined)
    throw new Problem('invalid', 'The parameter resource is missing.', { expression: ['resource'] });
  return found;
}
