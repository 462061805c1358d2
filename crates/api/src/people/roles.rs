//! The roles that the configuration has: named sets of scopes that users are given.

use serde::{Deserialize, Serialize};

use crate::service::Service;
use crate::view::Listing;

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleView {
    /// Its name under `roles`.
    pub name: String,
    /// What it grants.
    pub scopes: Vec<String>,
}

/// All roles, by name.
pub fn list(service: &Service) -> Listing<RoleView> {
    let configuration = service.configuration();
    let roles = configuration.rules.roles.iter().map(|(name, scopes)| RoleView {
        name: name.to_string(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
    });
    Listing { data: roles.collect(), next_cursor: None }
}
