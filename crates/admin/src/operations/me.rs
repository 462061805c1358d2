//! What whoever signed in does for itself: another password, its own sessions.

use http::StatusCode;
use keyward_api::failure::Failure;
use keyward_api::own_password;
use keyward_api::own_sessions::{self, OwnSessionView};
use keyward_api::passwords::Password;
use keyward_api::view::Listing;
use keyward_core::route::Endpoint;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, Sent, Verb, shape};
use crate::operations::session;

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "me.password",
        verb: Verb::Post,
        path: "/me/password",
        access: Access::Session,
        summary: "Change one's own password; all other sessions end",
        sent: Sent::Json(shape::<Passwords>),
        refuses: &[400, 409],
        as_endpoint: Some(Endpoint::Login),
        run: |call| Box::pin(password(call)),
        ..Operation::NEW
    },
    Operation {
        id: "me.sessions.list",
        path: "/me/sessions",
        access: Access::Session,
        summary: "One's own sessions that go on",
        given: Given::Json(StatusCode::OK, shape::<Listing<OwnSessionView>>),
        run: |call| Box::pin(list(call)),
        ..Operation::NEW
    },
    Operation {
        id: "me.sessions.endAll",
        verb: Verb::Delete,
        path: "/me/sessions",
        access: Access::Session,
        summary: "Sign out everywhere, here too",
        run: |call| Box::pin(end_all(call)),
        ..Operation::NEW
    },
    Operation {
        id: "me.sessions.end",
        verb: Verb::Delete,
        path: "/me/sessions/{id}",
        access: Access::Session,
        summary: "End one of one's own sessions",
        refuses: &[404],
        run: |call| Box::pin(end(call)),
        ..Operation::NEW
    },
];

/// The password that counts, and the one that is to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Passwords {
    /// The one that counts now.
    #[schemars(with = "String")]
    current: Password,
    /// The one that counts from now on: 8 characters or more.
    #[schemars(with = "String", length(min = 8))]
    new: Password,
}

async fn password(call: &Call) -> Result<Reply, Failure> {
    let Passwords { current, new } = call.body()?;
    let caller = &call.caller()?.principal;
    Ok(answer::done(&own_password::change(call.service(), caller, (current, new), &call.origin()).await?))
}

async fn list(call: &Call) -> Result<Reply, Failure> {
    Ok(answer::ok(&own_sessions::list(call.service(), &call.caller()?.principal).await?))
}

async fn end(call: &Call) -> Result<Reply, Failure> {
    let caller = &call.caller()?.principal;
    Ok(answer::done(&own_sessions::end(call.service(), caller, call.parameter(0), &call.origin()).await?))
}

async fn end_all(call: &Call) -> Result<Reply, Failure> {
    let caller = &call.caller()?.principal;
    let receipt = own_sessions::end_all(call.service(), caller, &call.origin()).await?;
    session::forget(call, answer::done(&receipt))
}
