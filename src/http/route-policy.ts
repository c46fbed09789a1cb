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
  /** answers a known caller from what was sent, nothing of the record; accounted for */
  | 'computed'
  /** answers the same refusal to everybody */
  | 'refused'
  /** operations: no personal data */
  | 'operations'
  /** which origins may ask: no personal data, no token */
  | 'preflight';

declare module 'fastify' {
  interface FastifyContextConfig {
    policy?: RoutePolicy;
  }
}

/** Routes that a plugin registers: it has no place of its own to declare a policy. */
const OF_PLUGINS: ReadonlyMap<string, RoutePolicy> = new Map([['OPTIONS /fhir*', 'preflight']]);

/** Stops the start when a route is registered that declares no policy. */
export function requireRoutePolicies(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const name = `${String(route.method)} ${route.url}`;
    const policy = route.config?.policy ?? OF_PLUGINS.get(name);
    if (policy === undefined) throw new Error(`The route ${name} declares no policy.`);
    route.config = { ...route.config, policy };
  });
}
