//! What operators say of a key, as a command: its name, and what they keep beside it.

use keyward_engine::change::KeyChange;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fields;
use crate::keys::metadata;

/// What is to be from now on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "set", rename_all = "camelCase")]
pub enum KeySetting {
    /// What people call it.
    Name {
        /// Its id.
        id: String,
        /// The name.
        name: String,
    },
    /// What is kept beside it, in place of what was.
    Metadata {
        /// Its id.
        id: String,
        /// Names and values.
        metadata: metadata::Written,
    },
}

impl KeySetting {
    /// The key and its change.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(self) -> Result<(String, KeyChange), Failure> {
        Ok(match self {
            Self::Name { id, name } => (id, KeyChange::Rename(fields::name(&name)?)),
            Self::Metadata { id, metadata } => (id, KeyChange::Metadata(metadata::read(&metadata)?)),
        })
    }
}
