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
function policyOfPlugin(method: string, url: string): RoutePolicy | undefined {
  if (method === 'OPTIONS' && url === '/fhir*') return 'preflight';
  return (method === 'GET' || method === 'HEAD') && (url === '/docs' || url.startsWith('/docs/'))
    ? 'public'
    : undefined;
}

export interface RegisteredRoute {
  readonly method: string;
  readonly url: string;
  readonly policy: RoutePolicy;
}

const REGISTERED = new WeakMap<object, RegisteredRoute[]>();

/** Stops the start when a route is registered that declares no policy. */
export function requireRoutePolicies(app: FastifyInstance): void {
  const routes: RegisteredRoute[] = [];
  REGISTERED.set(app, routes);
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      const policy = route.config?.policy ?? policyOfPlugin(method, route.url);
      if (policy === undefined) throw new Error(`The route ${method} ${route.url} declares no policy.`);
      route.config = { ...route.config, policy };
      routes.push({ method, url: route.url, policy });
    }
  });
}

/** Every route of the application, as it was registered. */
export function registeredRoutes(app: FastifyInstance): readonly RegisteredRoute[] {
  return REGISTERED.get(app) ?? [];
}
