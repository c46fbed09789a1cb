import t from 'tap';
import { londonDay } from '../../src/fhir/london.ts';
import { loadExtract } from '../../src/load.ts';
import type { Certificate } from '../../src/loads/certificate.ts';
import { KitReader, MedplumReader } from './clients.ts';
import { checkDirectories, checkPeople, checkValidity } from './coming-back.ts';
import { checkCertificates, checkRejects } from './going-in.ts';
import { inParallel, readPerson } from './reading.ts';
import { makeExtracts, patientRows, SOURCES, writeExtracts } from './sent.ts';
import { realService } from './service.ts';
import { sharedData } from './shared-data.ts';

/**
 * Real data through the real loader, read back over HTTP by two clients that others wrote: Synthea's patients divided
 * among the partners, the published examples of UK Core and NHS England, the organisations of Buckinghamshire.
 */

const AT_ONCE = 12;
const data = sharedData();
const skip = data === undefined && 'the shared data is not here (set MCR_SHARED_DATA)';

t.setTimeout(300_000);
t.test('real data goes in, comes back, and is base R4', { skip }, async (t) => {
  const sent = makeExtracts(data ?? '');
  const { service, fhirBase, token, admin, folder } = await realService(t, SOURCES, sent.custodians);
  const certificates = new Map<string, Certificate>();
  for (const extract of writeExtracts(sent, folder, londonDay(Date.now()))) {
    certificates.set(extract.source, await loadExtract(service, extract.source, extract.folder));
  }
  await checkCertificates(t, sent, certificates);
  await checkRejects(t, sent, admin);

  const kit = new KitReader(fhirBase, token);
  const medplum = new MedplumReader(fhirBase, token);
  const people = [...patientRows(sent.rows).keys()];
  const directories = await checkDirectories(t, sent, kit, medplum);
  const reads = await inParallel(people, AT_ONCE, async (nhsNumber) => ({
    nhsNumber,
    ...(await readPerson(kit, medplum, nhsNumber)),
  }));
  await checkPeople(t, sent, reads, directories);
  await checkValidity(t, reads, directories);
});
