import { readFileSync } from 'node:fs';

// Loader hooks (Node's module API): whatever a module with a mutant's query imports of the audit room, or of the rig's own
// files, carries the query on; and the one file that is named is loaded from the mutant's place.

interface Resolved {
  readonly url: string;
}

export async function resolve(
  specifier: string,
  context: { readonly parentURL?: string },
  next: (specifier: string, context: object) => Promise<Resolved>,
): Promise<Resolved> {
  const found = await next(specifier, context);
  const query = new URL(context.parentURL ?? 'file:///').search;
  const own = /\/dist\/(src\/audit|test\/(rigs|support))\//.test(found.url);
  return query.startsWith('?mutant=') && own && !found.url.includes('?')
    ? { ...found, url: `${found.url}${query}` }
    : found;
}

export async function load(
  url: string,
  context: object,
  next: (url: string, context: object) => Promise<object>,
): Promise<object> {
  const { pathname, searchParams } = new URL(url);
  const file = searchParams.get('file');
  if (file === null || !pathname.endsWith(`/src/audit/${file}.js`)) return next(url, context);
  const source = readFileSync(searchParams.get('place') ?? '', 'utf8');
  return { format: 'module', source, shortCircuit: true };
}
