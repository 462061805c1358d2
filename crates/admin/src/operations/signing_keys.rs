//! The keys that sign tokens: which there are, the next one, and the end of one.

use http::StatusCode;
use keyward_api::failure::Failure;
use keyward_api::signing_keys::{self, ChangedSigningKey, SigningKeyView};
use keyward_api::view::{Listing, ReceiptView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, Sent, Verb, shape};

const WRITE: Access = Access::Scope("keyward:signing-keys:write");

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "signingKeys.list",
        path: "/signing-keys",
        access: Access::Scope("keyward:signing-keys:read"),
        summary: "List the keys that sign tokens, the newest first",
        given: Given::Json(StatusCode::OK, shape::<Listing<SigningKeyView>>),
        run: |call| Box::pin(list(call)),
        ..Operation::NEW
    },
    Operation {
        id: "signingKeys.rotate",
        verb: Verb::Post,
        path: "/signing-keys/rotate",
        access: WRITE,
        summary: "Make the next signing key",
        sent: Sent::Maybe(shape::<Rotating>),
        given: Given::Json(StatusCode::OK, shape::<SigningKeyChanged>),
        refuses: &[409],
        run: |call| Box::pin(rotate(call)),
        ..Operation::NEW
    },
    Operation {
        id: "signingKeys.retire",
        verb: Verb::Post,
        path: "/signing-keys/{id}/retire",
        access: WRITE,
        summary: "End what a signing key signed",
        given: Given::Json(StatusCode::OK, shape::<SigningKeyChanged>),
        refuses: &[404, 409],
        run: |call| Box::pin(retire(call)),
        ..Operation::NEW
    },
];

/// A signing key that was made or ended, and how far that has come.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SigningKeyChanged {
    /// The key as it is now.
    signing_key: SigningKeyView,
    /// Which nodes know.
    receipt: ReceiptView,
}

impl From<ChangedSigningKey> for SigningKeyChanged {
    fn from(changed: ChangedSigningKey) -> Self {
        Self { signing_key: changed.view, receipt: changed.receipt }
    }
}

async fn list(call: &Call) -> Result<Reply, Failure> {
    Ok(answer::ok(&signing_keys::list(call.service()).await?))
}

/// When the next one signs.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rotating {
    /// At once, and not only when all who check tokens had time to learn it.
    at_once: Option<bool>,
}

async fn rotate(call: &Call) -> Result<Reply, Failure> {
    let Rotating { at_once } = call.body_or_nothing()?;
    let made = signing_keys::rotate(call.service(), at_once.unwrap_or_default(), &call.origin()).await?;
    Ok(answer::ok(&SigningKeyChanged::from(made)))
}

async fn retire(call: &Call) -> Result<Reply, Failure> {
    let retired = signing_keys::retire(call.service(), call.parameter(0), &call.origin()).await?;
    Ok(answer::ok(&SigningKeyChanged::from(retired)))
}
