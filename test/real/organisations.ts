import { join } from 'node:path';
import type { Extract } from './extract.ts';
import { readTable } from './shared-data.ts';

export const ODS_CODE = 'https://fhir.nhs.uk/Id/ods-organization-code';

interface Published {
  readonly ods_code: string;
  readonly name: string;
  readonly postcode?: string;
  readonly close_date?: string;
  readonly address1?: string;
  readonly address2?: string;
  readonly address3?: string;
}

/** Buckinghamshire's practices the trusts around it and the bodies above them, as published by the NHS Organisation Data Service.
 * @returns their ODS codes
 */
export function addOrganisations(data: string, extract: Extract): readonly string[] {
  const folder = join(data, 'ods-buckinghamshire');
  const others = readTable<{ code: string; code_system: string; name: string }>(
    join(folder, 'other-organisations.csv'),
  );
  const published: Published[] = [
    ...readTable<Published>(join(folder, 'practices-14Y.csv')),
    ...readTable<Published>(join(folder, 'trusts.csv')),
    ...others
      .filter((each) => each.code_system === 'ODS' && each.code !== '')
      .map(({ code, name }) => ({ ods_code: code, name })),
  ];
  for (const { ods_code, name, postcode, close_date, ...rest } of published) {
    const line = [rest.address1, rest.address2, rest.address3].filter((each) => each);
    const resource = {
      resourceType: 'Organization',
      id: `ods-${ods_code}`,
      identifier: [{ system: ODS_CODE, value: ods_code }],
      active: close_date === undefined || close_date === '',
      name,
      ...(postcode !== undefined && { address: [{ line, postalCode: postcode }] }),
    };
    extract.add(resource, { from: 'ods-buckinghamshire', fate: 'shown' });
  }
  return published.map(({ ods_code }) => ods_code);
}
