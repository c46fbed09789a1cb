import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Certificate } from '../../src/loads/certificate.ts';
import { MAPPING } from './mapped-terms.ts';
import { extract, FIRST, firstNight, mappedBy } from './mapped-world.ts';
import { visible } from './visible.ts';
import { type Loader, writeExtract } from './world.ts';

t.test(
  'a file that cannot be read without guessing is refused in one sentence, and yesterday stands',
  async (t) => {
    const world = await firstNight(t);
    const before = await visible(world);
    const good = FIRST.services;
    const [header = ''] = good.split('\n');
    const table: readonly (readonly [string, string | Buffer, string, RegExp])[] = [
      [
        'a renamed column',
        good.replace('Team', 'Teams'),
        'header',
        /lacks "Team", and has column 5, which the mapping does not name/,
      ],
      [
        'a column that is missing',
        good.replace(/,End$/m, '').replace(/,$/gm, ''),
        'header',
        /lacks "End"\.$/,
      ],
      ['a column twice', good.replace('Team', 'Ref'), 'header', /has the column "Ref" twice/],
      [
        'rows without their header, of whose cells nothing is told',
        good.replace(`${header}\n`, ''),
        'header',
        /lacks "Ref", "Person", "Kind", "What", "Team" and 2 more, and has column 1, 2, 3, 4, 5 and 2 more, which/,
      ],
      ['no header', '', 'header', /has no header/],
      ['an open quotation mark', good.replace('HS', '"HS'), 'csv', /from line 2 on \(CSV_QUOTE_NOT_CLOSED\)/],
      [
        'a quotation mark that swallows a row',
        good.replace('HS', '"HS').replace('b,2', 'b",2'),
        'csv',
        /line 2/,
      ],
      [
        'a closed quotation mark that swallows a row',
        `${header}\na,1,Service,HS,"N\nb,2,Service,HS,N",01/03/2026,\n`,
        'row-count',
        /has 1 rows; the manifest says 2/,
      ],
      [
        'a row too many',
        `${good}c,1,Service,HS,N,01/03/2026,\n`,
        'row-count',
        /has 3 rows; the manifest says 2/,
      ],
      ['an empty line', good.replace('\nb', '\n\nb'), 'csv', /has 1 columns in line 3/],
      ['a cell too many', good.replace('HS', 'HS,HS'), 'csv', /has 8 columns in line 2, and 7 in its header/],
      ['ISO 8859-1', Buffer.from(good.replace('North', 'Nörth'), 'latin1'), 'file-encoding', /is not UTF-8/],
      ['UTF-16 with its mark', Buffer.from(`\ufeff${good}`, 'utf16le'), 'file-encoding', /is not UTF-8/],
      ['UTF-16 without', Buffer.from(good, 'utf16le'), 'file-encoding', /zero bytes/],
      ['a byte order mark', `\ufeff${good}`, 'file-encoding', /byte order mark/],
      ['lines that end in CR', good.replaceAll('\n', '\r'), 'header', /has its column 15 twice/],
      [
        'a cell of 50 MB',
        good.replace('HS', `"${'x'.repeat(50 * 1024 * 1024)}"`),
        'csv',
        /from line 2 on \(CSV_MAX_RECORD_SIZE\)/,
      ],
    ];
    let sequence = 1;
    for (const [name, content, rule, sentence] of table) {
      sequence += 1;
      const certificate = await loadBytes(world, { people: FIRST.people, services: content }, sequence);
      t.match(certificate, { result: 'refused', reason: { rule, sentence } }, name);
      t.equal(certificate.reason?.sentence.match(/\.(?: |$)/g)?.length, 1, `${name}: one sentence`);
    }
    const { people: only } = FIRST;
    t.match(await world.load(extract({ people: only }, 40), mappedBy(MAPPING)), {
      reason: { rule: 'file-missing' },
    });
    t.match(await world.load(extract({ ...FIRST, other: only }, 41), mappedBy(MAPPING)), {
      reason: { rule: 'file-unexpected' },
    });
    t.same(await visible(world), before);
    t.match(await world.load(extract(FIRST, 50), mappedBy(MAPPING)), { result: 'published' });
  },
);

/** An extract of files as bytes, each with two rows in its manifest. */
function loadBytes(
  world: Loader,
  files: Readonly<Record<string, string | Buffer>>,
  sequence: number,
): Promise<Certificate> {
  const empty = Object.fromEntries(Object.keys(files).map((type) => [type, '']));
  const folder = writeExtract(world.root, extract(empty, sequence));
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  for (const file of manifest.files) {
    const bytes = Buffer.from(files[file.type] ?? '');
    writeFileSync(join(folder, file.name), bytes);
    file.rows = 2;
    file.sha256 = createHash('sha256').update(bytes).digest('hex');
  }
  writeFileSync(path, JSON.stringify(manifest));
  return world.loadFolder(folder, 'adult', mappedBy(MAPPING));
}
