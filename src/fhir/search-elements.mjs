/** Part of the build script `generate-search.mjs`: what the definitions say of the elements that a path leads through. */

/** Elements by path, with their JSON members and types. */
export class Elements {
  constructor(structures, valueSets) {
    this.byPath = new Map(structures.flatMap((each) => each.snapshot.element.map((el) => [el.path, el])));
    this.valueSets = valueSets;
  }

  /** @returns the JSON members that a step from `path` may take, each with the path it leads to and its type */
  step(path, name) {
    const direct = this.byPath.get(`${path}.${name}`);
    if (direct) return [this.member(direct, name, direct.type?.[0]?.code)];
    const choice = this.byPath.get(`${path}.${name}[x]`);
    if (!choice) throw new Error(`${path} has no element ${name}.`);
    return choice.type.map(({ code }) =>
      this.member(choice, name + code[0].toUpperCase() + code.slice(1), code),
    );
  }

  member(element, member, type) {
    if (element.contentReference)
      return { member, path: element.contentReference.slice(1), type: 'BackboneElement' };
    const inner = type === 'BackboneElement' || type === 'Element' ? element.path : type;
    return { member, path: inner, type, ...this.systemOf(element, type) };
  }

  /** The system that the codes of a `code` element are of, as the value set says that they must be from. */
  systemOf(element, type) {
    if (type !== 'code') return {};
    const include = this.valueSets.get(mustBeFrom(element.binding)?.split('|')[0])?.compose?.include ?? [];
    const whole = include.filter((each) => !each.concept);
    if (include.length === 1 || whole.length === 1) {
      const { system } = whole[0] ?? include[0];
      const others = include.filter((each) => each.system !== system);
      const systems = Object.fromEntries(
        others.flatMap((each) => each.concept.map(({ code }) => [code, each.system])),
      );
      return { ...(system && { system }), ...(others.length > 0 && { systems }) };
    }
    return {};
  }

  /** Every element of the resource that R4 counts to its summary, by the names of its members. */
  summaryOf(type) {
    const names = [...this.byPath.values()].filter(
      (el) => el.isSummary && el.path.split('.').length === 2 && el.path.startsWith(`${type}.`),
    );
    return names.flatMap((el) => {
      const name = el.path.slice(type.length + 1);
      if (!name.endsWith('[x]')) return [name];
      return el.type.map(({ code }) => name.slice(0, -3) + code[0].toUpperCase() + code.slice(1));
    });
  }
}

function mustBeFrom(binding) {
  if (binding?.strength === 'required') return binding.valueSet;
  return binding?.extension?.find(({ url }) => url.endsWith('/elementdefinition-maxValueSet'))
    ?.valueCanonical;
}
