// The records of the control plane by the names that pages use.
import type { components } from "./schema";

type S = components["schemas"];

export type Limit = S["LimitView"];
export type Invitation = NonNullable<S["UserMade"]["invitation"]>;
export type Receipt = S["ReceiptView"];
export type Session = S["SessionView"];
export type OwnSession = S["OwnSessionView"];
export type CurrentSession = S["SessionShown"];
export type Key = S["KeyView"];
export type CreatedKey = S["CreatedKey"];
export type NewKey = S["KeyToMake"];
export type User = S["UserView"];
export type Account = S["AccountView"];
export type Role = S["RoleView"];
export type Plan = S["PlanView"];
export type SigningKey = S["SigningKeyView"];
export type AuditRecord = S["AuditView"];
export type AuditReport = S["AuditReport"];
export type Decision = S["DecisionView"];
export type Decided = S["DecidedView"];
export type Explanation = S["Explanation"];
export type Overview = S["Overview"];
export type Config = S["Configuration"];
export type NodeStatus = S["NodeShown"];

/** Signed in, or a second factor is asked for. */
export interface SignedIn {
  csrfToken?: string;
  user?: { id: string; username: string };
  secondFactor?: { ticket: string; kinds: string[] };
}

/** Requests of an hour. */
export interface UsageRow {
  hour: string;
  credential: string | null;
  route: string | null;
  outcome: string;
  count: number;
}
