//! The caller's own session: signing in to the console and out of it, and who is signed in.

use http::StatusCode;
use http::header::SET_COOKIE;
use keyward_api::failure::Failure;
use keyward_api::fields::rfc3339;
use keyward_api::people::users;
use keyward_api::sign_in::console::{Asked, FirstStep};
use keyward_api::sign_in::cookie::CookieSession;
use keyward_api::sign_in::passwords::Password;
use keyward_api::sign_in::set_cookie;
use keyward_api::sign_in::{self, Who};
use keyward_api::view::KeyCarrier;
use keyward_core::page::is_same_origin;
use keyward_core::route::Endpoint;
use keyward_core::rules::Rules;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, STRANGERS_BODY, Sent, Verb, shape};

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "session.begin",
        verb: Verb::Post,
        path: "/session",
        access: Access::Public,
        summary: "Sign in to the console; the session's cookie comes with the answer",
        sent: Sent::Json(shape::<SigningIn>),
        given: Given::Json(StatusCode::OK, shape::<Begun>),
        refuses: &[401, 403],
        as_endpoint: Some(Endpoint::Login),
        body: STRANGERS_BODY,
        run: |call| Box::pin(begin(call)),
        ..Operation::NEW
    },
    Operation {
        id: "session.finish",
        verb: Verb::Post,
        path: "/session/second-factor",
        access: Access::Public,
        summary: "Show the second factor that signing in asked for; the session's cookie comes with the answer",
        sent: Sent::Json(shape::<Finishing>),
        given: Given::Json(StatusCode::OK, shape::<SignedIn>),
        refuses: &[401, 403],
        as_endpoint: Some(Endpoint::Login),
        body: STRANGERS_BODY,
        run: |call| Box::pin(finish(call)),
        ..Operation::NEW
    },
    Operation {
        id: "session.show",
        path: "/session",
        access: Access::Session,
        summary: "Who is signed in, and what it may do",
        given: Given::Json(StatusCode::OK, shape::<SessionShown>),
        run: |call| Box::pin(show(call)),
        ..Operation::NEW
    },
    Operation {
        id: "session.end",
        verb: Verb::Delete,
        path: "/session",
        access: Access::Session,
        summary: "Sign out",
        run: |call| Box::pin(end(call)),
        ..Operation::NEW
    },
];

/// Who wants to sign in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SigningIn {
    /// The name of a user with a role that has a scope of `keyward:`.
    username: String,
    /// Its password.
    #[schemars(with = "String")]
    password: Password,
}

/// Who signed in.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SignedIn {
    /// What to show in `Keyward-CSRF` with each request that changes something.
    csrf_token: String,
    /// Seconds, if it is used all the time.
    expires_in: u64,
    /// Who it is.
    user: Who,
}

/// What came of a name and a password: a session, or the question for a second factor.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Begun {
    /// Signed in.
    Session(SignedIn),
    /// Half way.
    #[serde(rename_all = "camelCase")]
    SecondFactor {
        /// What is asked for, and the ticket to show with it.
        second_factor: Asked,
    },
}

/// The second factor, and what it belongs to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Finishing {
    /// The ticket that was given for the name and the password.
    #[schemars(with = "String")]
    ticket: Password,
    /// A code of the authenticator, or a recovery code.
    #[schemars(with = "String")]
    code: Password,
}

async fn finish(call: &Call) -> Result<Reply, Failure> {
    let Finishing { ticket, code } = call.body()?;
    own_page(call)?;
    let finished = sign_in::console::finish(call.service(), ticket.expose(), &code, &call.origin()).await?;
    signed_in(call, finished)
}

/// Nobody is signed in by a page from elsewhere, as somebody else than it thinks.
fn own_page(call: &Call) -> Result<(), Failure> {
    let is_secure = call.service().configuration().rules.guarding.console.is_secure;
    if is_same_origin((&call.headers).into(), is_secure) {
        return Ok(());
    }
    Err(Failure::forbidden("one signs in from a page of this origin; this request came from another"))
}

fn signed_in(call: &Call, session: CookieSession) -> Result<Reply, Failure> {
    let cookie = set_cookie::begin(&call.service().configuration().rules.guarding.console, &session.cookie)?;
    let CookieSession { csrf_token, expires_in, user, .. } = session;
    let mut reply = answer::ok(&Begun::Session(SignedIn { csrf_token, expires_in, user }));
    reply.headers_mut().insert(SET_COOKIE, cookie);
    Ok(reply)
}

async fn begin(call: &Call) -> Result<Reply, Failure> {
    let SigningIn { username, password } = call.body()?;
    own_page(call)?;
    match sign_in::console::begin(call.service(), &username, password, &call.origin()).await? {
        FirstStep::Session(session) => signed_in(call, session),
        FirstStep::SecondFactor(second_factor) => Ok(answer::ok(&Begun::SecondFactor { second_factor })),
    }
}

/// A session, as its user sees it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SessionShown {
    /// Who is signed in.
    user: Who,
    /// The names of its roles.
    roles: Vec<String>,
    /// What it may do.
    scopes: Vec<String>,
    /// What to show in `Keyward-CSRF` with each request that changes something.
    csrf_token: Option<String>,
    /// When it is over at the latest.
    expires_at: Option<String>,
    /// Whether a second factor is asked for when it signs in.
    second_factor: bool,
    /// The version of this program.
    version: &'static str,
    /// The name of this node.
    node: &'static str,
    /// Where callers come.
    data_plane: DataPlane,
}

/// Where callers come, and how they show a key there.
#[derive(Serialize, JsonSchema)]
struct DataPlane {
    /// Scheme, address and port; null where it listens on a socket file.
    url: Option<String>,
    /// The name of the header that has the key; null where none has.
    header: Option<String>,
    /// What comes before the key there, such as `Bearer `.
    prefix: String,
}

impl DataPlane {
    fn of(call: &Call, rules: &Rules) -> Self {
        let KeyCarrier { header, prefix } = KeyCarrier::of(rules);
        Self { url: call.control.data_url.clone(), header, prefix }
    }
}

async fn show(call: &Call) -> Result<Reply, Failure> {
    let caller = call.caller()?;
    let principal = &caller.principal;
    let user = users::find(call.service(), &principal.id).await?;
    Ok(answer::ok(&SessionShown {
        user: Who { id: principal.id.clone(), username: principal.name.clone() },
        roles: user.owner.roles.iter().map(ToString::to_string).collect(),
        scopes: principal.grants.scopes().iter().map(ToString::to_string).collect(),
        csrf_token: caller.csrf.as_ref().map(|token| token.expose().to_owned()),
        expires_at: caller.ends_at.map(rfc3339),
        second_factor: user.second_factor,
        version: call.control.version,
        node: call.control.node,
        data_plane: DataPlane::of(call, &call.service().configuration().rules),
    }))
}

async fn end(call: &Call) -> Result<Reply, Failure> {
    let receipt = sign_in::sign_out(call.service(), &call.caller()?.principal, &call.origin()).await?;
    forget(call, answer::done(&receipt))
}

/// The same with the browser told to forget its cookie.
pub(crate) fn forget(call: &Call, mut reply: Reply) -> Result<Reply, Failure> {
    let cookie = set_cookie::end(&call.service().configuration().rules.guarding.console)?;
    reply.headers_mut().insert(SET_COOKIE, cookie);
    Ok(reply)
}
