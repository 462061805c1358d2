// Operations that the OpenAPI document does not have yet, by hand; what it has is in `schema.ts`, made from it.

type Answer<T> = { headers: Record<string, unknown>; content: { "application/json": T } };
type NoParams = { query?: never; header?: never; path?: never; cookie?: never };
type Op<Params, Body, T> = {
  parameters: Omit<NoParams, keyof Params> & Params;
  responses: { 200: Answer<T> };
} & ([Body] extends [never] ? { requestBody?: never } : { requestBody: { content: { "application/json": Body } } });
type Id = { path: { id: string } };

export interface Limit {
  limit: string;
  per: string;
  requests: number;
  windowSeconds: number | null;
  remaining: number;
  resetsAt: string | null;
}

export interface Limits {
  plan: string | null;
  limits: Limit[];
}

export interface KeyUsage {
  since: string;
  until: string;
  step: number;
  points: { at: string; allowed: number; refused: number; failed: number }[];
  outcomes: { outcome: string; count: number }[];
  lastUsedAt: string | null;
  usedFrom: { address: string; userAgent: string; route: string; lastAt: string }[];
}

export interface ComingPaths {
  "/admin/v1/keys/{id}/usage": { get: Op<Id & { query?: { since?: string; step?: string } }, never, KeyUsage> };
  "/admin/v1/keys/{id}/limits": { get: Op<Id, never, Limits> };
  "/admin/v1/accounts/{id}/limits": { get: Op<Id, never, Limits> };
  "/admin/v1/accounts/{id}/portal-links": { post: Op<Id, never, { link: string; expiresAt: string }> };
}
