// The records of the control plane by the names that pages use.
import type { components } from "./schema";

type S = components["schemas"];
export type Receipt = S["Receipt"];
export type Session = S["SessionView"];
export type CurrentSession = S["CurrentSession"];
export type SignedIn = S["SignedIn"];
export type Key = S["KeyView"];
export type CreatedKey = S["CreatedKey"];
export type NewKey = S["NewKey"];
export type User = S["UserView"];
export type Invitation = S["Invitation"];
export type Account = S["AccountView"];
export type Role = S["RoleView"];
export type Plan = S["PlanView"];
export type Limit = S["LimitView"];
export type SigningKey = S["SigningKeyView"];
export type AuditRecord = S["AuditView"];
export type AuditReport = S["AuditReport"];
export type Decision = S["DecisionView"];
export type Decided = S["DecidedView"];
export type Explanation = S["Explanation"];
export type Overview = S["Overview"];
export type UsageRow = S["UsageRow"];
export type Config = S["ConfigView"];
export type NodeStatus = S["NodeStatus"];
