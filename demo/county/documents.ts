import type { Binary, DocumentReference } from '@medplum/fhirtypes';
import { dateText } from './calendar.ts';
import { snomed } from './clinical-codes.ts';
import type { Sheet } from './sheet.ts';
import { FINAL, meta, NOT_FOR_PATIENT } from './sheet.ts';

const TYPES = [
  snomed('823751000000102', 'Letter'),
  snomed('373942005', 'Discharge summary'),
  snomed('25611000000107', 'Referral letter'),
] as const;

/** A letter and its text. @param hidden labelled as not for the patient */
export function addDocument(sheet: Sheet, hidden = false): void {
  const day = sheet.day(5);
  const type = sheet.random.pick(TYPES);
  const attached = sheet.person.gp.attachments;
  const words = `Synthetic ${type.text ?? 'letter'} of ${dateText(day)}. It says nothing about anybody.\n`;
  const binary: Binary = {
    resourceType: 'Binary',
    id: sheet.id('binary'),
    meta: meta(),
    contentType: 'text/plain',
    securityContext: { reference: sheet.patient.reference ?? '' },
    data: Buffer.from(words).toString('base64'),
  };
  if (attached) sheet.add(binary);
  const id = sheet.id('document');
  const row: DocumentReference = {
    resourceType: 'DocumentReference',
    id,
    meta: meta('DocumentReference', hidden ? NOT_FOR_PATIENT : undefined),
    identifier: sheet.identifier(id),
    status: 'current',
    docStatus: FINAL,
    type,
    subject: sheet.patient,
    date: sheet.at(day),
    author: [sheet.owned()],
    description: `${type.text ?? 'Letter'} (synthetic)`,
    content: [
      {
        attachment: {
          contentType: 'text/plain',
          title: type.text ?? 'Letter',
          ...(attached ? { url: `Binary/${binary.id}`, size: words.length } : {}),
        },
      },
    ],
  };
  sheet.add(row);
}
