//! Changes of one key as values, and the one rule of which state allows which change.

use std::time::Duration;

use keyward_core::api_key::ApiKeyRecord;
use keyward_core::limit::Budget;
use keyward_core::time::Timestamp;

use crate::ports::Metadata;

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// Another name.
    Rename(Box<str>),
    /// Pause.
    Disable(Timestamp),
    /// End of a pause.
    Enable,
    /// For ever.
    Revoke(Timestamp, Option<Box<str>>),
    /// Its successor takes over; it ends at the given time. The first field is when.
    Replace {
        /// Now.
        at: Timestamp,
        /// When the old key ends.
        overlap_ends_at: Timestamp,
        /// It ends earlier, once the old key was not used for so long.
        quiet: Option<Duration>,
    },
    /// The overlap of a key that was replaced is over. The field is when.
    EndOverlap(Timestamp),
    /// Another budget of it and of all others in its line; `None`: without bound.
    Budget(Option<Budget>),
    /// What operators keep beside it, in place of what they did.
    Metadata(Metadata),
}

/// Why a key's state does not allow a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was revoked, and that is for ever.
    Revoked,
    /// It is paused.
    Disabled,
    /// It has expired.
    Expired,
    /// It was replaced already.
    Replaced,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Revoked => "the key is revoked, and that is for ever; make a new one",
            Self::Disabled => "the key is disabled; enable it first",
            Self::Expired => "the key has expired; make a new one",
            Self::Replaced => "the key was rotated already; rotate the key that replaced it",
        })
    }
}

impl std::error::Error for Refusal {}

impl KeyChange {
    /// Applies the change to a record. `Ok(false)`: it is so already, nothing to write.
    ///
    /// # Errors
    /// The state that does not allow it; the record is then untouched.
    pub fn apply(&self, key: &mut ApiKeyRecord) -> Result<bool, Refusal> {
        if key.revoked_at.is_some() {
            return match self {
                Self::Revoke(..) => Ok(false),
                _ => Err(Refusal::Revoked),
            };
        }
        match self {
            Self::Rename(name) => {
                if key.name == *name {
                    return Ok(false);
                }
                key.name.clone_from(name);
            }
            Self::Disable(at) => {
                if key.disabled_at.is_some() {
                    return Ok(false);
                }
                key.disabled_at = Some(*at);
            }
            Self::Enable => {
                if key.disabled_at.take().is_none() {
                    return Ok(false);
                }
            }
            Self::Revoke(at, reason) => {
                key.revoked_at = Some(*at);
                key.revoked_reason.clone_from(reason);
            }
            Self::Replace { at, overlap_ends_at, quiet: _ } => {
                if key.disabled_at.is_some() {
                    return Err(Refusal::Disabled);
                }
                if key.expires_at.is_some_and(|end| end <= *at) {
                    return Err(Refusal::Expired);
                }
                if key.overlap_ends_at.is_some() {
                    return Err(Refusal::Replaced);
                }
                key.overlap_ends_at = Some(*overlap_ends_at);
            }
            Self::EndOverlap(at) => {
                if key.overlap_ends_at.is_none_or(|end| end <= *at) {
                    return Ok(false);
                }
                key.overlap_ends_at = Some(*at);
            }
            // Kept beside the line, or the key, and not in the record.
            Self::Budget(_) | Self::Metadata(_) => {}
        }
        Ok(true)
    }
}
