import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConformance } from '../src/conformance.ts';
import { openApiDocument } from '../src/http/openapi.ts';
import { packageRoot, packageVersion } from '../src/package-root.ts';

/** Writes `openapi/my-care-record.json`: the document that the service itself gives under `/docs/json`. */
const conformance = await readConformance(join(packageRoot(), 'profiles'));
const types = [...new Set(conformance.map(({ type }) => type))];
const file = join(packageRoot(), 'openapi', 'my-care-record.json');
writeFileSync(file, `${JSON.stringify(openApiDocument(packageVersion(), types), null, 2)}\n`);
