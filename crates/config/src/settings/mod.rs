//! The checked configuration as plain typed values, one section per file. The doc comments here are the descriptions in
//! the JSON Schema, and the types are its only source.

mod admin;
mod adopt;
mod audit;
mod basic_auth;
mod cors;
mod data;
mod decisions;
mod endpoints;
mod env;
mod identity;
mod issuers;
mod limits;
mod plans;
mod portal;
mod responses;
mod routes;
mod schemes;
mod security;
mod server;
mod sessions;
mod throttle;
mod upstream;

use std::collections::BTreeMap;

use keyward_core::address::AddressRules;
use keyward_core::scope::ScopeSet;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Written;

pub use admin::Admin;
pub use adopt::Adopt;
pub use audit::Audit;
pub use basic_auth::BasicAuth;
pub use cors::Cors;
pub use data::Data;
pub use decisions::Decisions;
pub use endpoints::Endpoints;
pub use env::{Empty, Variable};
pub use identity::{Identity, IdentityHeaders, IdentityToken};
pub use issuers::Issuer;
pub use limits::{Limit, Performance, RateLimit};
pub use plans::{Accounts, Plan, PlanLimit};
pub use portal::Portal;
pub use responses::Response;
pub use routes::Route;
pub use schemes::Scheme;
pub use security::{ApiKeys, Jwt, Security, StaticKey};
pub use server::{Server, ServerLimits};
pub use sessions::Sessions;
pub use throttle::Throttle;
pub use upstream::{HealthCheck, Timeouts, Upstream};

/// Configuration of Keyward. Every name is optional; unknown names are errors. `${env:NAME}` and `${file:PATH}` stand
/// for secrets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The data port: what callers reach.
    pub server: Server,
    /// The port for operators: console, admin API, metrics.
    pub admin: Admin,
    /// Where Keyward keeps its own data.
    pub data: Data,
    /// The API behind Keyward: the upstream called "default".
    pub upstream: Upstream,
    /// Further ones by name, with the same names below each; routes say which of them they lead to.
    pub upstreams: BTreeMap<String, Upstream>,
    /// What the upstream is told about a caller.
    pub identity: Identity,
    /// Where in a request a credential is read, by name.
    pub schemes: BTreeMap<String, Scheme>,
    /// What each path asks for; the first match wins, and what matches none is refused.
    pub routes: Vec<Route>,
    /// Who may come from where, on every path, own endpoints included.
    #[serde(with = "Written::<AddressRules>")]
    pub ip: AddressRules,
    /// Named sets of scopes.
    #[serde(with = "Written::<BTreeMap<String, ScopeSet>>")]
    pub roles: BTreeMap<String, ScopeSet>,
    /// Named limits; routes say which of them count there.
    pub limits: BTreeMap<String, Limit>,
    /// Named sets of limits that count per account, on every route.
    pub plans: BTreeMap<String, Plan>,
    /// What holds for accounts.
    pub accounts: Accounts,
    /// Credentials and how they are guarded.
    pub security: Security,
    /// Limits in short, and how callers are told.
    pub performance: Performance,
    /// The record of what happened.
    pub audit: Audit,
    /// What is kept of each decision.
    pub decisions: Decisions,
    /// Keyward's own endpoints on the data port, before `routes`; null turns one off.
    pub endpoints: Endpoints,
    /// Pages on the data port where a customer sees its own keys and usage.
    pub portal: Portal,
    /// Answers in other words, by the name of an endpoint (`login`), of a reason (`Rejected`), of a cause within it
    /// (`Rejected.revoked`) or of a reason at an endpoint (`login.Rejected`); null: Keyward's own words.
    pub responses: BTreeMap<String, Option<Response>>,
    /// What the members of a request's body are called, by endpoint: `{token: {client_id: api_key}}`.
    pub requests: BTreeMap<String, BTreeMap<String, String>>,
    /// Further variables beside `KEYWARD_*`, by name: what each sets, or adds to; null takes one away.
    pub env: BTreeMap<String, Option<Variable>>,
}

/// The name of the upstream that has a section of its own.
pub const DEFAULT_UPSTREAM: &str = "default";

impl Settings {
    /// All upstreams with their names, in the order of their places: the default one first.
    pub fn upstreams(&self) -> impl Iterator<Item = (&str, &Upstream)> {
        let further = self.upstreams.iter().map(|(name, upstream)| (name.as_str(), upstream));
        std::iter::once((DEFAULT_UPSTREAM, &self.upstream)).chain(further)
    }
}
