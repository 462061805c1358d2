//! Links by which users give themselves a password: looked at and taken by whoever holds one.

use http::StatusCode;
use keyward_api::failure::Failure;
use keyward_api::people::invitations::{self, Invited};
use keyward_api::sign_in::passwords::Password;
use keyward_core::route::Endpoint;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, STRANGERS_BODY, Sent, Verb, shape};

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "invitations.look",
        verb: Verb::Post,
        path: "/invitations/look",
        access: Access::Public,
        summary: "For whom an invitation is, and until when",
        sent: Sent::Json(shape::<Holding>),
        given: Given::Json(StatusCode::OK, shape::<Invited>),
        refuses: &[404],
        as_endpoint: Some(Endpoint::Login),
        body: STRANGERS_BODY,
        run: |call| Box::pin(look(call)),
        ..Operation::NEW
    },
    Operation {
        id: "invitations.accept",
        verb: Verb::Post,
        path: "/invitations/accept",
        access: Access::Public,
        summary: "Give oneself a password by an invitation, which is used up",
        sent: Sent::Json(shape::<Accepting>),
        refuses: &[404],
        as_endpoint: Some(Endpoint::Login),
        body: STRANGERS_BODY,
        run: |call| Box::pin(accept(call)),
        ..Operation::NEW
    },
];

/// An invitation.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Holding {
    /// What its link holds.
    #[schemars(with = "String")]
    token: Password,
}

/// An invitation, and the password that is to count.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Accepting {
    /// What its link holds.
    #[schemars(with = "String")]
    token: Password,
    /// 8 characters or more.
    #[schemars(with = "String", length(min = 8))]
    password: Password,
}

async fn look(call: &Call) -> Result<Reply, Failure> {
    let Holding { token } = call.body()?;
    Ok(answer::ok(&invitations::look(call.service(), &token, &call.origin()).await?))
}

async fn accept(call: &Call) -> Result<Reply, Failure> {
    let Accepting { token, password } = call.body()?;
    invitations::accept(call.service(), &token, password, &call.origin()).await?;
    Ok(answer::nothing())
}
