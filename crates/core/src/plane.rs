//! The two planes: where calls are let through, and where operators rule. What a browser holds of the one opens nothing on the
//! other.

/// A plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Plane {
    /// Calls to the API behind, and Keyward's own endpoints for callers.
    #[default]
    Data,
    /// The operators' port: console and admin API.
    Control,
}

impl Plane {
    /// The word for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Control => "control",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "data" => Some(Self::Data),
            "control" => Some(Self::Control),
            _ => None,
        }
    }
}
