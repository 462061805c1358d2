// Operations that the OpenAPI document does not have yet, by hand; what it has is in `schema.ts`, made from it.

type Answer<T> = { headers: Record<string, unknown>; content: { "application/json": T } };
type NoParams = { query?: never; header?: never; path?: never; cookie?: never };
type Op<Params, Body, T> = {
  parameters: Omit<NoParams, keyof Params> & Params;
  responses: { 200: Answer<T> };
} & ([Body] extends [never] ? { requestBody?: never } : { requestBody: { content: { "application/json": Body } } });
type Id = { path: { id: string } };
type None = Record<never, never>;

export interface Invitation {
  token: string;
  link: string;
  expiresAt: string;
}

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
  "/admin/v1/session/second-factor": {
    post: Op<
      None,
      { ticket: string; code: string },
      { csrfToken: string; expiresIn: number; user: { id: string; username: string } }
    >;
  };
  "/admin/v1/me/second-factor": { get: Op<None, never, { totp: boolean; recoveryCodesLeft: number }> };
  "/admin/v1/me/second-factor/totp": { post: Op<None, { password: string }, { secret: string; uri: string }> };
  "/admin/v1/me/second-factor/totp/confirm": { post: Op<None, { code: string }, { recoveryCodes: string[] }> };
  "/admin/v1/me/second-factor/recovery-codes": { post: Op<None, { password: string }, { recoveryCodes: string[] }> };
  "/admin/v1/me/second-factor/remove": { post: Op<None, { password: string; code: string }, undefined> };
  "/admin/v1/invitations/look": { post: Op<None, { token: string }, { username: string; expiresAt: string }> };
  "/admin/v1/invitations/accept": { post: Op<None, { token: string; password: string }, undefined> };
  "/admin/v1/users/{id}/invitation": { post: Op<Id, never, Invitation> };
  "/admin/v1/users/{id}/second-factor/remove": { post: Op<Id, never, undefined> };
  "/admin/v1/keys/{id}/usage": { get: Op<Id & { query?: { since?: string; step?: string } }, never, KeyUsage> };
  "/admin/v1/keys/{id}/limits": { get: Op<Id, never, Limits> };
  "/admin/v1/accounts/{id}/limits": { get: Op<Id, never, Limits> };
  "/admin/v1/accounts/{id}/portal-links": { post: Op<Id, never, { link: string; expiresAt: string }> };
}
