//! One token of this server: what it is worth, and its end.

use http::StatusCode;
use keyward_api::failure::Failure;
use keyward_api::sessions::SessionView;
use keyward_api::sessions::token_command::{self, RevokedToken, TokenView};
use keyward_api::sign_in::passwords::Password;
use keyward_api::view::ReceiptView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, Sent, Verb, shape};

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "tokens.inspect",
        verb: Verb::Post,
        path: "/tokens/inspect",
        access: Access::Scope("keyward:tokens:read"),
        summary: "What an access or refresh token is worth now",
        sent: Sent::Json(shape::<Token>),
        given: Given::Json(StatusCode::OK, shape::<TokenView>),
        refuses: &[404],
        run: |call| Box::pin(inspect(call)),
        ..Operation::NEW
    },
    Operation {
        id: "tokens.revoke",
        verb: Verb::Post,
        path: "/tokens/revoke",
        access: Access::Scope("keyward:tokens:write"),
        summary: "End the session of a token, and with it every token of it",
        sent: Sent::Json(shape::<Token>),
        given: Given::Json(StatusCode::OK, shape::<SessionEnded>),
        refuses: &[404],
        run: |call| Box::pin(revoke(call)),
        ..Operation::NEW
    },
];

/// The token that is meant.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Token {
    /// Its text.
    #[schemars(with = "String")]
    token: Password,
}

/// A session that was ended, and how far that has come.
#[derive(Serialize, JsonSchema)]
struct SessionEnded {
    /// The session as it is now.
    session: SessionView,
    /// Which nodes know.
    receipt: ReceiptView,
}

impl From<RevokedToken> for SessionEnded {
    fn from(ended: RevokedToken) -> Self {
        Self { session: ended.session, receipt: ended.receipt }
    }
}

async fn inspect(call: &Call) -> Result<Reply, Failure> {
    let Token { token } = call.body()?;
    Ok(answer::ok(&token_command::inspect(call.service(), &token).await?))
}

async fn revoke(call: &Call) -> Result<Reply, Failure> {
    let Token { token } = call.body()?;
    let ended = token_command::revoke(call.service(), &token, &call.origin()).await?;
    Ok(answer::ok(&SessionEnded::from(ended)))
}
