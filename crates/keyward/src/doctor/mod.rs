//! `keyward doctor`: what is open, what is weak and what is wrong, each with what to do. `facts` gathers; `configuration`, `transport` and
//! `records` judge; `rules` lists every rule. Add a row there, and one to docs/reference/doctor.md.

mod configuration;
pub mod facts;
mod records;
pub mod rules;
mod transport;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Somebody may pass without being asked: meant, or not.
    Open,
    /// It holds, and could hold better.
    Weak,
    /// It does not hold, or is not what was asked for.
    Wrong,
}

impl Kind {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Wrong, Self::Open, Self::Weak];

    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Weak => "weak",
            Self::Wrong => "wrong",
        }
    }
}

/// One thing that an operator should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The word for programs; it never changes.
    pub code: &'static str,
    /// How bad it is.
    pub kind: Kind,
    /// Where: a value of the configuration with its origin, a file, a key.
    #[serde(rename = "where")]
    pub place: String,
    /// What it is.
    pub what: String,
    /// What to do.
    #[serde(rename = "do")]
    pub advice: String,
}
