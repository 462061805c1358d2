// The control plane's operations as types, by hand until they are generated from the OpenAPI document.

type Answer<T> = { headers: Record<string, unknown>; content: { "application/json": T } };
type NoParams = { query?: never; header?: never; path?: never; cookie?: never };
type Op<Params, Body, T> = {
  parameters: Omit<NoParams, keyof Params> & Params;
  responses: { 200: Answer<T> };
} & ([Body] extends [never] ? { requestBody?: never } : { requestBody: { content: { "application/json": Body } } });
type Q<T> = { query?: T };
type Id = { path: { id: string } };
type None = Record<never, never>;
type Once = { header?: { "Idempotency-Key"?: string } };
type IfMatch = { header: { "If-Match": string } };
type Listing<T> = { data: T[]; nextCursor: string | null };
type Page = { cursor?: string; limit?: number };
type S = components["schemas"];

export interface components {
  schemas: {
    Receipt: { nodes: { node: string; acknowledged: boolean; millis: number }[] };
    SessionView: {
      id: string;
      user: string;
      status: string;
      by: string;
      plane?: string;
      current?: boolean;
      createdAt: string;
      seenAt: string | null;
      endedAt: string | null;
      endedReason: string | null;
      client?: string | null;
      userAgent?: string | null;
    };
    SignedIn: {
      csrfToken?: string;
      expiresIn?: number;
      user?: { id: string; username: string };
      secondFactor?: { ticket: string; kinds: string[] };
    };
    CurrentSession: {
      user: { id: string; username: string };
      roles: string[];
      scopes: string[];
      csrfToken: string;
      expiresAt: string;
      secondFactor: boolean;
      version: string;
      node: string;
      dataPlane?: { url: string | null; header: string | null; prefix: string };
    };
    Budget: { granted: number; every: string | null; remaining: number };
    KeyView: {
      id: string;
      name: string;
      prefix: string;
      mode: string;
      pair: boolean;
      status: string;
      owner: string;
      account: string | null;
      scopes: string[] | null;
      allowedIps: string[];
      externalId: string | null;
      createdAt: string;
      expiresAt: string | null;
      lastUsedAt: string | null;
      disabledAt: string | null;
      revokedAt: string | null;
      revokedReason: string | null;
      replaces: string | null;
      overlapEndsAt: string | null;
      budget: S["Budget"] | null;
      metadata?: Record<string, unknown> | null;
      overlap?: {
        untilQuiet: string | null;
        usedBy: { address: string; userAgent: string; route: string; lastAt: string }[];
      };
    };
    CreatedKey: S["KeyView"] & { key: string; secret?: string };
    NewKey: {
      name: string;
      owner?: string;
      account?: string;
      scopes?: string[];
      mode?: string;
      expiresAt?: string;
      allowedIps?: string[];
      externalId?: string;
      budget?: string;
      pair?: boolean;
      metadata?: Record<string, unknown>;
    };
    ChangedKey: { key: S["KeyView"]; receipt: S["Receipt"] };
    UserView: {
      id: string;
      username: string;
      status: string;
      roles: string[];
      account: string | null;
      externalId: string | null;
      canSignIn: boolean;
      createdAt: string;
      disabledAt: string | null;
    };
    ChangedUser: { user: S["UserView"]; receipt: S["Receipt"] };
    Invitation: { token: string; link: string; expiresAt: string };
    AccountView: {
      id: string;
      name: string;
      status: string;
      externalId: string | null;
      allowedIps: string[];
      plan: string | null;
      limits: string[];
      budget: S["Budget"] | null;
      createdAt: string;
      disabledAt: string | null;
    };
    ChangedAccount: { account: S["AccountView"]; receipt: S["Receipt"] };
    RoleView: { name: string; scopes: string[]; builtIn: boolean; mayGive: boolean };
    LimitView: {
      limit: string;
      per: string;
      requests: number;
      windowSeconds: number | null;
      remaining: number;
      resetsAt: string | null;
    };
    PlanView: { name: string; limits: string[]; accounts?: number; default?: boolean };
    SigningKeyView: {
      id: string;
      algorithm: string;
      status: string;
      createdAt: string;
      activeAt: string;
      retiredAt: string | null;
    };
    ChangedSigningKey: { signingKey: S["SigningKeyView"]; receipt: S["Receipt"] };
    AuditView: {
      seq: number;
      at: string;
      actor: string;
      action: string;
      subject: string;
      client: string | null;
      decision: string | null;
      detail: unknown;
      sealed: boolean;
    };
    AuditReport: {
      ok: boolean;
      verified: number;
      head: { seq: number; seal: string } | null;
      flaws: { from: number; to: number; flaw: string; text: string }[];
      unsealed: number[] | null;
    };
    DecisionView: {
      seq: number;
      id: string;
      at: string;
      count: number;
      foldedBy: string[] | null;
      outcome: string;
      detail: string | null;
      method: string | null;
      path: string | null;
      route: string | null;
      principal: string | null;
      credential: string | null;
      client: string | null;
      millis: number;
      results: { outcome: string; status: number; count: number }[];
    };
    DecidedView: {
      id: string;
      second: string;
      node: number;
      running: boolean;
      found: S["DecisionView"][];
      text: string[];
      advice: string | null;
    };
    Explanation: {
      allowed: boolean;
      status: number | null;
      reason: string | null;
      route: string | null;
      steps: { ok: boolean; text: string }[];
      advice: string | null;
    };
    Overview: {
      since: string;
      until: string;
      step: number;
      points: { at: string; allowed: number; refused: number; failed: number; p50: number | null; p99: number | null }[];
      outcomes: { outcome: string; count: number }[];
      topKeys: { credential: string; name: string | null; principal: string | null; count: number }[];
      routes: { route: string; count: number; refused: number }[];
    };
    UsageRow: {
      hour: string;
      credential: string | null;
      route: string | null;
      outcome: string;
      count: number;
    };
    ConfigView: {
      version: number;
      since: string;
      file: string | null;
      values: { name: string; value: unknown; origin: string }[];
    };
    ConfigReport: {
      ok: boolean;
      mistakes: { line: number | null; column: number | null; message: string; help: string | null }[];
    };
    NodeStatus: Record<string, unknown> & { node: string; version: string; startedAt: string; state: string };
  };
}

type Decisions = Page & {
  outcome?: string;
  route?: string;
  principal?: string;
  credential?: string;
  client?: string;
  since?: string;
  until?: string;
  after?: number;
};
type Audit = Page & { actor?: string; subject?: string; action?: string; since?: string; until?: string };
type Keys = Page & {
  search?: string;
  status?: string;
  owner?: string;
  account?: string;
  mode?: string;
  sort?: string;
  order?: string;
  unused?: string;
  older?: string;
};

export interface paths {
  "/admin/v1/session": {
    get: Op<None, never, S["CurrentSession"]>;
    post: Op<None, { username: string; password: string }, S["SignedIn"]>;
    delete: Op<None, never, undefined>;
  };
  "/admin/v1/session/second-factor": { post: Op<None, { ticket: string; code: string }, S["SignedIn"]> };
  "/admin/v1/me/password": { post: Op<None, { current: string; new: string }, undefined> };
  "/admin/v1/me/sessions": {
    get: Op<None, never, Listing<S["SessionView"]>>;
    delete: Op<None, never, undefined>;
  };
  "/admin/v1/me/sessions/{id}": { delete: Op<Id, never, undefined> };
  "/admin/v1/me/second-factor": { get: Op<None, never, { totp: boolean; recoveryCodesLeft: number }> };
  "/admin/v1/me/second-factor/totp": { post: Op<None, { password: string }, { secret: string; uri: string }> };
  "/admin/v1/me/second-factor/totp/confirm": { post: Op<None, { code: string }, { recoveryCodes: string[] }> };
  "/admin/v1/me/second-factor/recovery-codes": { post: Op<None, { password: string }, { recoveryCodes: string[] }> };
  "/admin/v1/me/second-factor/remove": { post: Op<None, { password: string; code: string }, undefined> };
  "/admin/v1/invitations/look": { post: Op<None, { token: string }, { username: string; expiresAt: string }> };
  "/admin/v1/invitations/accept": { post: Op<None, { token: string; password: string }, undefined> };
  "/admin/v1/keys": {
    get: Op<Q<Keys>, never, Listing<S["KeyView"]>>;
    post: Op<Once, S["NewKey"], S["CreatedKey"]>;
  };
  "/admin/v1/keys/{id}": {
    get: Op<Id, never, S["KeyView"]>;
    patch: Op<Id & IfMatch, { name: string }, S["ChangedKey"]>;
  };
  "/admin/v1/keys/{id}/rotate": {
    post: Op<Id & Once, { overlap?: string; untilQuiet?: string }, S["CreatedKey"] & { receipt: S["Receipt"] }>;
  };
  "/admin/v1/keys/{id}/disable": { post: Op<Id, never, S["ChangedKey"]> };
  "/admin/v1/keys/{id}/enable": { post: Op<Id, never, S["ChangedKey"]> };
  "/admin/v1/keys/{id}/revoke": { post: Op<Id, { reason?: string }, S["ChangedKey"]> };
  "/admin/v1/keys/{id}/budget": { post: Op<Id, { change: string }, S["ChangedKey"]> };
  "/admin/v1/keys/{id}/usage": { get: Op<Id & Q<{ since?: string; until?: string }>, never, Listing<S["UsageRow"]>> };
  "/admin/v1/keys/{id}/limits": { get: Op<Id, never, { data: S["LimitView"][] }> };
  "/admin/v1/users": {
    get: Op<Q<Page & { search?: string; account?: string; status?: string; role?: string }>, never, Listing<S["UserView"]>>;
    post: Op<
      Once,
      { username: string; roles?: string[]; account?: string; externalId?: string; password?: string; invite?: boolean },
      { user: S["UserView"]; invitation?: S["Invitation"] }
    >;
  };
  "/admin/v1/users/{id}": {
    get: Op<Id, never, S["UserView"]>;
    patch: Op<Id & IfMatch, { roles?: string[]; account?: string | null; externalId?: string | null }, S["ChangedUser"]>;
  };
  "/admin/v1/users/{id}/disable": { post: Op<Id, never, S["ChangedUser"]> };
  "/admin/v1/users/{id}/enable": { post: Op<Id, never, S["ChangedUser"]> };
  "/admin/v1/users/{id}/invitation": { post: Op<Id, never, S["Invitation"]> };
  "/admin/v1/users/{id}/password": { post: Op<Id, { password: string }, S["ChangedUser"]> };
  "/admin/v1/users/{id}/second-factor/remove": { post: Op<Id, never, undefined> };
  "/admin/v1/users/{id}/sessions": {
    get: Op<Id & Q<Page>, never, Listing<S["SessionView"]>>;
    delete: Op<Id, never, undefined>;
  };
  "/admin/v1/accounts": {
    get: Op<
      Q<Page & { search?: string; externalId?: string; plan?: string; status?: string }>,
      never,
      Listing<S["AccountView"]>
    >;
    post: Op<
      Once,
      { name: string; externalId?: string; plan?: string; allowedIps?: string[]; limits?: string[]; budget?: string },
      S["AccountView"]
    >;
  };
  "/admin/v1/accounts/{id}": {
    get: Op<Id, never, S["AccountView"]>;
    patch: Op<
      Id & IfMatch,
      { externalId?: string | null; plan?: string | null; allowedIps?: string[]; limits?: string[]; budget?: string },
      S["ChangedAccount"]
    >;
  };
  "/admin/v1/accounts/{id}/disable": { post: Op<Id, never, S["ChangedAccount"]> };
  "/admin/v1/accounts/{id}/enable": { post: Op<Id, never, S["ChangedAccount"]> };
  "/admin/v1/accounts/{id}/usage": { get: Op<Id & Q<{ since?: string }>, never, Listing<S["UsageRow"]>> };
  "/admin/v1/accounts/{id}/limits": { get: Op<Id, never, { data: S["LimitView"][] }> };
  "/admin/v1/accounts/{id}/portal-links": { post: Op<Id, never, { link: string; expiresAt: string }> };
  "/admin/v1/roles": { get: Op<None, never, { data: S["RoleView"][] }> };
  "/admin/v1/plans": { get: Op<None, never, { data: S["PlanView"][] }> };
  "/admin/v1/sessions": { get: Op<Q<Page & { user?: string; by?: string }>, never, Listing<S["SessionView"]>> };
  "/admin/v1/sessions/{id}": { delete: Op<Id, never, undefined> };
  "/admin/v1/signing-keys": { get: Op<None, never, Listing<S["SigningKeyView"]>> };
  "/admin/v1/signing-keys/rotate": { post: Op<None, { atOnce?: boolean }, S["ChangedSigningKey"]> };
  "/admin/v1/signing-keys/{id}/retire": { post: Op<Id, never, S["ChangedSigningKey"]> };
  "/admin/v1/audit": { get: Op<Q<Audit>, never, Listing<S["AuditView"]>> };
  "/admin/v1/audit/verify": { post: Op<None, { head?: { seq: number; seal: string } }, S["AuditReport"]> };
  "/admin/v1/decisions": { get: Op<Q<Decisions>, never, Listing<S["DecisionView"]>> };
  "/admin/v1/decisions/{id}": { get: Op<Id, never, S["DecidedView"]> };
  "/admin/v1/explain": {
    post: Op<None, { method: string; path: string; headers?: string[]; client?: string; keyId?: string }, S["Explanation"]>;
  };
  "/admin/v1/overview": { get: Op<Q<{ span?: string }>, never, S["Overview"]> };
  "/admin/v1/config": { get: Op<None, never, S["ConfigView"]> };
  "/admin/v1/config/check": { post: Op<None, string, S["ConfigReport"]> };
  "/admin/v1/nodes": { get: Op<None, never, { data: S["NodeStatus"][] }> };
}
