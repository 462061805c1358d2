//! Whether what is brought to life may do nothing that whoever does it may not.

use keyward_api::failure::Failure;
use keyward_core::principal::Grants;
use keyward_core::scope::{Scope, ScopeSet};

use crate::call::Call;

/// What a caller lacks of these. What begins with `self:` is about whoever holds it, and is not looked at.
pub(crate) fn beyond<'s>(caller: &'s Grants, scopes: &'s ScopeSet) -> Vec<&'s str> {
    let lacks = |scope: &&Scope| !caller.grant(scope) && !scope.as_str().starts_with("self:");
    scopes.iter().filter(lacks).map(Scope::as_str).collect()
}

/// The same as a refusal.
///
/// # Errors
/// The caller lacks one of them.
pub(crate) fn covers(call: &Call, scopes: ScopeSet) -> Result<(), Failure> {
    let beyond = beyond(&call.caller()?.principal.grants, &scopes);
    if beyond.is_empty() {
        return Ok(());
    }
    Err(Failure::forbidden(format!(
        "you do not have {} yourself, so you cannot give it or rule over it",
        beyond.join(", ")
    )))
}
