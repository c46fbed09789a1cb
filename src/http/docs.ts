import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { openApiDocument } from './openapi.ts';
import type { HttpServices } from './services.ts';

/** Where the OpenAPI document is shown, and given as `/docs/json`. */
export const DOCS = '/docs';

/** The OpenAPI document for people, and for tools. It is for anybody: it says what can be asked, and nothing of anyone. */
export async function docsRoutes(app: FastifyInstance, services: HttpServices): Promise<void> {
  const types = [...new Set(services.conformance.map(({ type }) => type))];
  // the library's type knows OpenAPI 3.0; the page shows 3.1 as well
  const document = openApiDocument(services.version, types) as StaticDocumentSpec['document'];
  await app.register(swagger, { mode: 'static', specification: { document } });
  await app.register(swaggerUi, {
    routePrefix: DOCS,
    staticCSP: true,
    // nobody's token is typed into a page: it explains, and a client asks
    uiConfig: { layout: 'BaseLayout', docExpansion: 'none', supportedSubmitMethods: [], validatorUrl: null },
    theme: { title: 'My Care Record: FHIR API' },
  });
}
