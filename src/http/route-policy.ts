import type { FastifyInstance } from 'fastify';

/**
 * What a route may give to whom. Every route declares one; a route that does not is a defect that stops the start
 * (attack catalogue G-4).
 */
export type RoutePolicy =
  /** anybody: no personal data, no token */
  | 'public'
  /** answers through `disclose` only */
  | 'disclosed'
  /** answers the same refusal to everybody */
  | 'refused'
  /** operations: no personal data */
  | 'operations';

declare module 'fastify' {
  interface FastifyContextConfig {
    policy?: RoutePolicy;
  }
}

/** Stops the start when a route is registered that declares no policy. */
export function requireRoutePolicies(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.policy === undefined) {
      throw new Error(`The route ${String(route.method)} ${route.url} declares no policy.`);
    }
  });
}
