//! What operations do, one file per resource. They are thin: what is done is done by `keyward-api`.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod configuration;
pub(crate) mod decisions;
pub(crate) mod document;
pub(crate) mod figures;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod me;
pub(crate) mod nodes;
pub(crate) mod plans;
pub(crate) mod roles;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod signing_keys;
pub(crate) mod tokens;
pub(crate) mod users;

use keyward_api::keys::ChangedKey;
use keyward_api::view::{KeyView, ReceiptView};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// A page of a listing, as every listing takes it.
pub(crate) const PAGE: u32 = 100;

/// A key that was changed, and how far the change has come.
#[derive(Serialize, JsonSchema)]
pub(crate) struct KeyChanged {
    /// The key as it is now.
    key: KeyView,
    /// Which nodes know.
    receipt: ReceiptView,
}

impl From<ChangedKey> for KeyChanged {
    fn from(changed: ChangedKey) -> Self {
        Self { key: changed.view, receipt: changed.receipt }
    }
}

/// What is there, and null only where that says something: a member that was left out is another thing.
pub(crate) fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
