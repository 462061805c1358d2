//! What whoever signed in does for itself: another password, its own sessions.

use http::StatusCode;
use keyward_api::failure::Failure;
use keyward_api::own;
use keyward_api::own::second_factor::{Enrolment, FactorsView, RecoveryCodes};
use keyward_api::own::sessions::OwnSessionView;
use keyward_api::sign_in::passwords::Password;
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
    Operation {
        id: "me.secondFactor.show",
        path: "/me/second-factor",
        access: Access::Session,
        summary: "One's own second factor, and how many recovery codes are left",
        given: Given::Json(StatusCode::OK, shape::<FactorsView>),
        run: |call| Box::pin(factors(call)),
        ..Operation::NEW
    },
    Operation {
        id: "me.secondFactor.begin",
        verb: Verb::Post,
        path: "/me/second-factor/totp",
        access: Access::Session,
        summary: "Make an authenticator (TOTP, RFC 6238); it counts once it is confirmed",
        sent: Sent::Json(shape::<ByPassword>),
        given: Given::Json(StatusCode::OK, shape::<Enrolment>),
        refuses: &[409],
        as_endpoint: Some(Endpoint::Login),
        run: |call| Box::pin(begin_factor(call)),
        ..Operation::NEW
    },
    Operation {
        id: "me.secondFactor.confirm",
        verb: Verb::Post,
        path: "/me/second-factor/totp/confirm",
        access: Access::Session,
        summary: "Have the authenticator count, by a code of it; the recovery codes are in this answer and nowhere else",
        sent: Sent::Json(shape::<ByCode>),
        given: Given::Json(StatusCode::OK, shape::<RecoveryCodes>),
        refuses: &[409],
        as_endpoint: Some(Endpoint::Login),
        run: |call| Box::pin(confirm_factor(call)),
        ..Operation::NEW
    },
    Operation {
        id: "me.secondFactor.codes",
        verb: Verb::Post,
        path: "/me/second-factor/recovery-codes",
        access: Access::Session,
        summary: "Other recovery codes in place of those before",
        sent: Sent::Json(shape::<ByPassword>),
        given: Given::Json(StatusCode::OK, shape::<RecoveryCodes>),
        refuses: &[409],
        as_endpoint: Some(Endpoint::Login),
        run: |call| Box::pin(renew_codes(call)),
        ..Operation::NEW
    },
    Operation {
        id: "me.secondFactor.remove",
        verb: Verb::Post,
        path: "/me/second-factor/remove",
        access: Access::Session,
        summary: "Remove one's own second factor, by the password and a code",
        sent: Sent::Json(shape::<ByBoth>),
        refuses: &[409],
        as_endpoint: Some(Endpoint::Login),
        run: |call| Box::pin(remove_factor(call)),
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
    Ok(answer::done(&own::password::change(call.service(), caller, (current, new), &call.origin()).await?))
}

async fn list(call: &Call) -> Result<Reply, Failure> {
    Ok(answer::ok(&own::sessions::list(call.service(), &call.caller()?.principal).await?))
}

async fn end(call: &Call) -> Result<Reply, Failure> {
    let caller = &call.caller()?.principal;
    Ok(answer::done(&own::sessions::end(call.service(), caller, call.parameter(0), &call.origin()).await?))
}

async fn end_all(call: &Call) -> Result<Reply, Failure> {
    let caller = &call.caller()?.principal;
    let receipt = own::sessions::end_all(call.service(), caller, &call.origin()).await?;
    session::forget(call, answer::done(&receipt))
}

/// One's own password once more.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ByPassword {
    /// The one that counts.
    #[schemars(with = "String")]
    password: Password,
}

/// A code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ByCode {
    /// Of the authenticator.
    #[schemars(with = "String")]
    code: Password,
}

/// Both.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ByBoth {
    /// The password that counts.
    #[schemars(with = "String")]
    password: Password,
    /// A code of the authenticator, or a recovery code.
    #[schemars(with = "String")]
    code: Password,
}

async fn factors(call: &Call) -> Result<Reply, Failure> {
    Ok(answer::ok(&own::second_factor::look(call.service(), &call.caller()?.principal).await?))
}

async fn begin_factor(call: &Call) -> Result<Reply, Failure> {
    let (ByPassword { password }, caller) = (call.body()?, &call.caller()?.principal);
    Ok(answer::ok(&own::second_factor::begin(call.service(), caller, password, &call.origin()).await?))
}

async fn confirm_factor(call: &Call) -> Result<Reply, Failure> {
    let (ByCode { code }, caller) = (call.body()?, &call.caller()?.principal);
    Ok(answer::ok(&own::second_factor::confirm(call.service(), caller, &code, &call.origin()).await?))
}

async fn renew_codes(call: &Call) -> Result<Reply, Failure> {
    let (ByPassword { password }, caller) = (call.body()?, &call.caller()?.principal);
    Ok(answer::ok(&own::second_factor::renew_codes(call.service(), caller, password, &call.origin()).await?))
}

async fn remove_factor(call: &Call) -> Result<Reply, Failure> {
    let (ByBoth { password, code }, caller) = (call.body()?, &call.caller()?.principal);
    let removed = own::second_factor::remove(call.service(), caller, (password, &code), &call.origin()).await?;
    Ok(answer::done(&removed))
}
