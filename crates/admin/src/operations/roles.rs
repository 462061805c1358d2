//! Roles: named sets of scopes, as the configuration has them.

use http::StatusCode;
use keyward_api::failure::Failure;
use keyward_api::view::Listing;
use keyward_core::scope::ScopeSet;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, shape};
use crate::power;

pub(crate) const OPERATIONS: &[Operation] = &[Operation {
    id: "roles.list",
    path: "/roles",
    access: Access::Scope("keyward:users:read"),
    summary: "List roles, and whether the caller may give them",
    given: Given::Json(StatusCode::OK, shape::<Listing<RoleView>>),
    run: |call| Box::pin(list(call)),
    ..Operation::NEW
}];

/// A role.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RoleView {
    /// Its name.
    name: String,
    /// What it grants.
    scopes: Vec<String>,
    /// Whether it is there without being configured.
    built_in: bool,
    /// Whether the caller has all of its scopes, and so may give it to others.
    may_give: bool,
}

/// Those of the defaults.
const BUILT_IN: [&str; 4] = ["admin", "auditor", "operator", "self"];

async fn list(call: &Call) -> Result<Reply, Failure> {
    let caller = &call.caller()?.principal.grants;
    let configuration = call.service().configuration();
    let view = |(name, scopes): (&str, &ScopeSet)| RoleView {
        name: name.to_owned(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        built_in: BUILT_IN.contains(&name),
        may_give: power::beyond(caller, scopes).is_empty(),
    };
    let data = configuration.rules.roles.iter().map(|(name, scopes)| view((name, scopes))).collect();
    Ok(answer::ok(&Listing { data, next_cursor: None }))
}
