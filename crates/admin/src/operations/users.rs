//! Users: made, listed, given roles or a password, paused. Nobody makes or wakes a user who may do more than itself.

use http::StatusCode;
use keyward_api::failure::Failure;
use keyward_api::fields;
use keyward_api::people::invitations::{self, NewInvitation};
use keyward_api::people::users::{self, ChangedUser, UserQuestion, UserToMake, UserView};
use keyward_api::sessions::{self, SessionView};
use keyward_api::sign_in::passwords::Password;
use keyward_api::view::{Listing, ReceiptView};
use keyward_engine::people::{UserChange, UserRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, Sent, Verb, shape};
use crate::operations::keys::page;
use crate::operations::said;
use crate::power;

const READ: Access = Access::Scope("keyward:users:read");
const WRITE: Access = Access::Scope("keyward:users:write");
const CHANGED: Given = Given::Json(StatusCode::OK, shape::<UserChanged>);

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "users.list",
        path: "/users",
        access: READ,
        summary: "List users, newest first",
        query: Some(shape::<Which>),
        given: Given::Json(StatusCode::OK, shape::<Listing<UserView>>),
        refuses: &[404, 409],
        run: |call| Box::pin(list(call)),
        ..Operation::NEW
    },
    Operation {
        id: "users.create",
        verb: Verb::Post,
        path: "/users",
        access: WRITE,
        summary: "Make a user",
        sent: Sent::Json(shape::<ToMake>),
        given: Given::Json(StatusCode::CREATED, shape::<UserMade>),
        refuses: &[404, 409],
        run: |call| Box::pin(create(call)),
        is_once: true,
        ..Operation::NEW
    },
    Operation {
        id: "users.show",
        path: "/users/{id}",
        access: READ,
        summary: "Show a user",
        given: Given::Json(StatusCode::OK, shape::<UserView>),
        refuses: &[404, 409],
        run: |call| Box::pin(show(call)),
        ..Operation::NEW
    },
    Operation {
        id: "users.change",
        verb: Verb::Patch,
        path: "/users/{id}",
        access: WRITE,
        summary: "Give a user other roles, another account or another reference, one at a time; it counts at the next request",
        sent: Sent::Json(shape::<Changing>),
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(change(call)),
        is_conditional: true,
        ..Operation::NEW
    },
    Operation {
        id: "users.disable",
        verb: Verb::Post,
        path: "/users/{id}/disable",
        access: WRITE,
        summary: "Pause a user: its sessions and tokens end, its keys wait",
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(disable(call)),
        ..Operation::NEW
    },
    Operation {
        id: "users.enable",
        verb: Verb::Post,
        path: "/users/{id}/enable",
        access: WRITE,
        summary: "End a user's pause: its keys go on",
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(enable(call)),
        ..Operation::NEW
    },
    Operation {
        id: "users.password",
        verb: Verb::Post,
        path: "/users/{id}/password",
        access: WRITE,
        summary: "Give a user another password; its sessions end",
        sent: Sent::Json(shape::<NewPassword>),
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(password(call)),
        ..Operation::NEW
    },
    Operation {
        id: "users.invitation",
        verb: Verb::Post,
        path: "/users/{id}/invitation",
        access: WRITE,
        summary: "Make a link, good once and for 72 hours, by which a user gives itself a password",
        given: Given::Json(StatusCode::CREATED, shape::<UserMade>),
        refuses: &[404, 409],
        run: |call| Box::pin(invite(call)),
        ..Operation::NEW
    },
    Operation {
        id: "users.secondFactor.remove",
        verb: Verb::Post,
        path: "/users/{id}/second-factor/remove",
        access: WRITE,
        summary: "Remove the second factor of a user who lost it",
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(remove_factor(call)),
        ..Operation::NEW
    },
    Operation {
        id: "users.sessions.list",
        path: "/users/{id}/sessions",
        access: Access::Scope("keyward:sessions:read"),
        summary: "What a user is signed in by",
        given: Given::Json(StatusCode::OK, shape::<Listing<SessionView>>),
        refuses: &[404, 409],
        run: |call| Box::pin(list_sessions(call)),
        ..Operation::NEW
    },
    Operation {
        id: "users.sessions.endAll",
        verb: Verb::Delete,
        path: "/users/{id}/sessions",
        access: Access::Scope("keyward:sessions:write"),
        summary: "End all sessions of a user",
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(end_sessions(call)),
        ..Operation::NEW
    },
];

/// A user that was changed, and how far the change has come.
#[derive(Serialize, JsonSchema)]
struct UserChanged {
    /// The user as it is now.
    user: UserView,
    /// Which nodes know.
    receipt: ReceiptView,
}

impl From<ChangedUser> for UserChanged {
    fn from(changed: ChangedUser) -> Self {
        Self { user: changed.view, receipt: changed.receipt }
    }
}

/// Which users to list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// A `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// With this text in its name, id or reference.
    search: Option<String>,
    /// Of this account, by name, id or reference.
    account: Option<String>,
    /// `active` or `disabled`.
    #[schemars(extend("enum" = ["active", "disabled"]))]
    status: Option<String>,
    /// With this role.
    role: Option<String>,
}

async fn list(call: &Call) -> Result<Reply, Failure> {
    let Which { cursor, limit, search, account, status, role } = call.query()?;
    let question = UserQuestion { search, account, status, role };
    Ok(answer::ok(&users::list(call.service(), &question, (cursor.as_deref(), page(limit)?)).await?))
}

/// A user to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ToMake {
    /// What it signs in with: a-z, 0-9, `.`, `_`, `-`, `@` and `+`; capitals count as small letters.
    #[schemars(length(min = 1, max = 100))]
    username: String,
    /// Names of roles that the caller may give; absent = `self`.
    #[schemars(length(max = 100))]
    roles: Option<Vec<String>>,
    /// The account that it belongs to, by name, id or reference.
    account: Option<String>,
    /// An operator's own reference.
    #[schemars(length(min = 1, max = 255))]
    external_id: Option<String>,
    /// What it signs in with, 8 characters or more; absent = it cannot sign in.
    #[schemars(with = "Option<String>", length(min = 8))]
    password: Option<Password>,
    /// Make a link with it, by which it gives itself a password; in place of one.
    invite: Option<bool>,
}

/// A user that was made.
#[derive(Serialize, JsonSchema)]
struct UserMade {
    /// The user.
    user: UserView,
    /// The link that was made with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation: Option<Invitation>,
}

/// A link by which a user gives itself a password.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Invitation {
    /// What the link holds.
    token: String,
    /// The link, below this server's address.
    link: String,
    /// Until when it is good.
    expires_at: String,
}

impl From<NewInvitation> for UserMade {
    fn from(made: NewInvitation) -> Self {
        let (token, link) = (made.token.expose().to_owned(), made.link.expose().to_owned());
        Self { user: made.user, invitation: Some(Invitation { token, link, expires_at: made.expires_at }) }
    }
}

async fn create(call: &Call) -> Result<Reply, Failure> {
    let ToMake { username, roles, account, external_id, password, invite } = call.body()?;
    let invite = invite.unwrap_or_default();
    if invite && password.is_some() {
        return Err(Failure::invalid("give a password or an invitation, not both"));
    }
    if let Some(roles) = &roles {
        let configuration = call.service().configuration();
        users::known_roles(&configuration.rules, roles)?;
        power::covers(call, configuration.rules.scopes_of_roles(roles.iter().map(String::as_str)))?;
    }
    let new = UserToMake { username, roles, account, external_id };
    let user = users::create(call.service(), &new, password, &call.origin()).await?;
    let path = format!("/users/{}", user.id);
    let made = match invite {
        true => invitations::make(call.service(), &user.id, &call.origin()).await?.into(),
        false => UserMade { user, invitation: None },
    };
    Ok(answer::made(&path, &made))
}

async fn show(call: &Call) -> Result<Reply, Failure> {
    let user = users::find(call.service(), call.parameter(0)).await?;
    Ok(answer::versioned(user.version(), &UserView::from(&user)))
}

/// The user that is meant, if it may do nothing that the caller may not.
async fn weaker(call: &Call) -> Result<UserRecord, Failure> {
    let user = users::find(call.service(), call.parameter(0)).await?;
    let rules = &call.service().configuration().rules;
    power::covers(call, rules.scopes_of_roles(user.owner.roles.iter().map(AsRef::as_ref)))?;
    Ok(user)
}

async fn apply(call: &Call, id: &str, change: &UserChange) -> Result<Reply, Failure> {
    let changed = users::change(call.service(), id, change, &call.origin()).await?;
    Ok(answer::ok(&UserChanged::from(changed)))
}

/// What is to change: one of these.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
struct Changing {
    /// Names of roles that the caller may give, in place of those that it has.
    #[schemars(with = "Vec<String>", length(max = 100))]
    #[serde(default, deserialize_with = "said")]
    roles: Option<Vec<String>>,
    /// The account that it belongs to, by name, id or reference; its keys go along, but for those of yet another. null = none.
    #[serde(default, deserialize_with = "said")]
    #[schemars(with = "Option<String>")]
    account: Option<Option<String>>,
    /// An operator's own reference; null = none.
    #[serde(default, deserialize_with = "said")]
    #[schemars(with = "Option<String>", length(min = 1, max = 255))]
    external_id: Option<Option<String>>,
}

async fn change(call: &Call) -> Result<Reply, Failure> {
    let (expected, wanted) = (call.expected()?, call.body()?);
    let user = weaker(call).await?;
    let change = match wanted {
        Changing { roles: Some(roles), account: None, external_id: None } => {
            let configuration = call.service().configuration();
            let known = users::known_roles(&configuration.rules, &roles)?;
            power::covers(call, configuration.rules.scopes_of_roles(roles.iter().map(String::as_str)))?;
            UserChange::Roles(known)
        }
        Changing { roles: None, account: Some(account), external_id: None } => {
            users::into_account(call.service(), account.as_deref(), call.at.wall).await?
        }
        Changing { roles: None, account: None, external_id: Some(reference) } => {
            UserChange::ExternalId(reference.as_deref().map(fields::external_id).transpose()?)
        }
        _ => return Err(Failure::invalid("change roles, account or externalId, one at a time")),
    };
    let origin = call.origin();
    let changing = users::change_if(call.service(), &user.owner.id, (&change, &expected), &origin);
    Ok(answer::ok(&UserChanged::from(changing.await?)))
}

/// What only takes away is for whoever may write users.
async fn disable(call: &Call) -> Result<Reply, Failure> {
    apply(call, call.parameter(0), &UserChange::Disable(call.at.wall)).await
}

async fn enable(call: &Call) -> Result<Reply, Failure> {
    let user = weaker(call).await?;
    apply(call, &user.owner.id, &UserChange::Enable).await
}

/// Another password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// 8 characters or more.
    #[schemars(with = "String", length(min = 8))]
    password: Password,
}

async fn password(call: &Call) -> Result<Reply, Failure> {
    let NewPassword { password } = call.body()?;
    let user = weaker(call).await?;
    let changed = users::set_password(call.service(), &user.owner.id, password, &call.origin()).await?;
    Ok(answer::ok(&UserChanged::from(changed)))
}

async fn list_sessions(call: &Call) -> Result<Reply, Failure> {
    Ok(answer::ok(&sessions::list_of(call.service(), call.parameter(0)).await?))
}

async fn end_sessions(call: &Call) -> Result<Reply, Failure> {
    let ended = sessions::end_all_of(call.service(), call.parameter(0), &call.origin()).await?;
    Ok(answer::ok(&UserChanged::from(ended)))
}

/// What gives power over a user, as a password does.
async fn invite(call: &Call) -> Result<Reply, Failure> {
    let user = weaker(call).await?;
    let made = invitations::make(call.service(), &user.owner.id, &call.origin()).await?;
    Ok(answer::json(StatusCode::CREATED, &UserMade::from(made)))
}

async fn remove_factor(call: &Call) -> Result<Reply, Failure> {
    let user = weaker(call).await?;
    let changed = users::remove_second_factor(call.service(), &user.owner.id, &call.origin()).await?;
    Ok(answer::ok(&UserChanged::from(changed)))
}
