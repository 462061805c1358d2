//! What differs between two configurations, value by value, with secrets masked.

use serde::Serialize;
use serde_json::Value as Json;

use crate::place::{Origin, Place};
use crate::show::Shown;

/// One value that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Its place in the configuration: `routes[0].path`.
    pub path: String,
    /// What it was, masked where it is a secret; `None`: it was not there.
    pub before: Option<Json>,
    /// What it is; `None`: it is gone.
    pub after: Option<Json>,
    /// Where it stands now, or stood.
    pub origin: Place,
}

impl std::fmt::Display for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.path)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if before == after => write!(f, "another value of {after}")?,
            (Some(before), Some(after)) => write!(f, "{before} -> {after}")?,
            (None, Some(after)) => write!(f, "new: {after}")?,
            (Some(before), None) => write!(f, "gone: {before}")?,
            (None, None) => {}
        }
        write!(f, " ({})", self.origin)
    }
}

/// What differs, in the order of the newer one; what is gone comes last.
pub(crate) fn changes(before: &[Shown], after: &[Shown]) -> Vec<Changed> {
    let find = |all: &[Shown], path: &str| all.iter().find(|one| one.path == path).cloned();
    let mut found = Vec::new();
    for now in after {
        let was = find(before, &now.path);
        // What a new entry of a list leaves at its default is no change that anybody made.
        if was.is_none() && now.origin.origin == Origin::Default {
            continue;
        }
        if was.as_ref().is_none_or(|was| was.fingerprint != now.fingerprint || was.value != now.value) {
            found.push(Changed {
                path: now.path.clone(),
                before: was.map(|was| was.value),
                after: Some(now.value.clone()),
                origin: now.origin.clone(),
            });
        }
    }
    let gone = before.iter().filter(|was| was.origin.origin != Origin::Default && find(after, &was.path).is_none());
    for was in gone {
        let (path, origin) = (was.path.clone(), was.origin.clone());
        found.push(Changed { path, before: Some(was.value.clone()), after: None, origin });
    }
    found
}
