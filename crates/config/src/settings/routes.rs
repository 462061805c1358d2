//! `routes`: what each path asks for.

use std::num::NonZeroU32;

use http::Method;
use keyward_core::address::AddressRules;
use keyward_core::path::Oddities;
use keyward_core::route::{Pattern, ScopeRules, Several};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{StripPrefix, Written};

/// What one path asks for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Its name in decisions and logs; without one `route-N` by its place in the list.
    pub name: String,
    /// Exact text; `*` is one segment, a final `/**` one or more, `/**` alone everything.
    #[serde(with = "Written::<Pattern>")]
    pub path: Pattern,
    /// The methods; empty means all. GET covers HEAD.
    #[serde(with = "Written::<Vec<Method>>")]
    pub methods: Vec<Method>,
    /// Whether no credential is read.
    pub public: bool,
    /// The schemes that are read, in this order.
    pub schemes: Vec<String>,
    /// Two credentials at once: `refuse` (400), or the `first` scheme wins.
    #[serde(with = "Written::<Several>")]
    pub several: Several,
    /// The scopes needed, all of them: one list, or a list per method with `"*"` for the others.
    #[serde(with = "Written::<ScopeRules>")]
    pub scopes: ScopeRules,
    /// Who may come from where.
    #[serde(with = "Written::<AddressRules>")]
    pub ip: AddressRules,
    /// The limits that a request is charged to, by name: all of them, or none.
    pub limits: Vec<String>,
    /// What a request is charged.
    #[serde(with = "Written::<NonZeroU32>")]
    pub cost: NonZeroU32,
    /// The upstream by name.
    pub upstream: String,
    /// What the upstream does not see of the path: whole segments at its beginning, as in `/api` of `/api/**`.
    #[serde(with = "Written::<Option<StripPrefix>>")]
    pub strip_prefix: Option<StripPrefix>,
    /// Whether the credential goes on to the upstream.
    pub keep_credential: bool,
    /// Spellings of paths that are refused by default.
    #[serde(with = "Written::<Oddities>")]
    pub allow: Oddities,
}
