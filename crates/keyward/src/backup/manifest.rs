//! The first member of a backup: what it is, of when, and what else is in it.

use serde::{Deserialize, Serialize};

/// The form of a backup that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// What stands in `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The form of the backup.
    pub format: u32,
    /// The version of Keyward that made it.
    pub keyward: String,
    /// When.
    pub created_at: String,
    /// The version of the database's schema.
    pub schema: i64,
    /// The feed's epoch: 16 hexadecimal digits.
    pub epoch: String,
    /// The last change that it holds.
    pub position: u64,
    /// How many users.
    pub users: u64,
    /// How many API keys, ended ones included.
    pub keys: u64,
    /// The other members, in order.
    pub members: Vec<Member>,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name in a data directory.
    pub name: String,
    /// How long it is.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Whether it names a member.
    pub fn carries(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.name == name)
    }
}
