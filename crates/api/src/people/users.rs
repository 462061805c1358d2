//! Operations on users: made, listed, paused, given another password or other roles.

use keyward_core::rules::Rules;
use keyward_core::time::Timestamp;
use keyward_engine::audit::Action;
use keyward_engine::factors::FactorChange;
use keyward_engine::people::{Changed, Made, Obstacle, PasswordHash, UserChange, UserRecord};
use keyward_engine::ports::{NewUser, UserFilter};
use keyward_engine::version::Expected;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::fields::{self, rfc3339};
use crate::listing::{self, Place};
use crate::origin::Origin;
use crate::people::accounts;
use crate::service::Service;
use crate::sign_in::passwords::Password;
use crate::view::{Listing, ReceiptView};

/// The role of users made without roles.
const DEFAULT_ROLE: &str = "self";

/// A user to be made, as a person or program writes it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserToMake {
    /// What it signs in with.
    pub username: String,
    /// Names of roles; absent = `self`.
    pub roles: Option<Vec<String>>,
    /// The account that it belongs to, by name, id or reference.
    pub account: Option<String>,
    /// An operator's own reference.
    pub external_id: Option<String>,
}

/// A user as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// `user_…`.
    pub id: String,
    /// What it signs in with.
    pub username: String,
    /// `active` or `disabled`.
    pub status: String,
    /// Names of roles.
    pub roles: Vec<String>,
    /// The id of the account that it belongs to.
    pub account: Option<String>,
    /// An operator's own reference.
    pub external_id: Option<String>,
    /// Whether it has a password.
    pub can_sign_in: bool,
    /// Whether it shows something beside its password.
    pub second_factor: bool,
    /// When it was made.
    pub created_at: String,
    /// Since when it is paused.
    pub disabled_at: Option<String>,
}

impl From<&UserRecord> for UserView {
    fn from(user: &UserRecord) -> Self {
        let owner = &user.owner;
        Self {
            id: owner.id.to_string(),
            username: owner.username.to_string(),
            status: if owner.is_paused() { "disabled" } else { "active" }.to_owned(),
            roles: owner.roles.iter().map(ToString::to_string).collect(),
            account: owner.account.as_ref().map(|account| account.id.to_string()),
            external_id: user.external_id.as_deref().map(str::to_owned),
            can_sign_in: user.password.is_some(),
            second_factor: user.second_factor,
            created_at: rfc3339(user.created_at),
            disabled_at: owner.disabled_at.map(rfc3339),
        }
    }
}

impl Place for UserRecord {
    fn place(&self) -> (Timestamp, &str) {
        (self.created_at, &self.owner.id)
    }
}

/// A user and how far its change has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedUser {
    /// The user as it is now.
    #[serde(flatten)]
    pub view: UserView,
    /// Which nodes know.
    pub receipt: ReceiptView,
}

/// Makes a user.
///
/// # Errors
/// A name that is none or another's, a password that is too weak, roles or an account that are not there.
pub async fn create(
    service: &Service,
    new: &UserToMake,
    password: Option<Password>,
    origin: &Origin,
) -> Result<UserView, Failure> {
    let hash = match password {
        Some(password) => Some(service.passwords.hash(password, &*service.random).await?),
        None => None,
    };
    keep(service, new, hash, origin).await
}

/// Makes a user with a hash that is there already.
///
/// # Errors
/// As [`create`].
pub async fn keep(
    service: &Service,
    new: &UserToMake,
    password: Option<PasswordHash>,
    origin: &Origin,
) -> Result<UserView, Failure> {
    let user = draft(service, new, password, origin).await?;
    let mut event = origin.event(Action::UserCreated, &user.id);
    event.detail.push(("username", user.username.clone()));
    event.detail.push(("roles", user.roles.join(" ").into()));
    match service.store.insert_user(&user, &event).await? {
        Made::Done(made) => Ok(UserView::from(&made)),
        Made::Taken => Err(taken(&user.username)),
    }
}

/// A user as it would be made.
///
/// # Errors
/// As [`create`], but for a name or reference that is another's.
pub async fn draft(
    service: &Service,
    new: &UserToMake,
    password: Option<PasswordHash>,
    origin: &Origin,
) -> Result<NewUser, Failure> {
    let username = fields::username(&new.username)?;
    let roles = new.roles.clone().unwrap_or_else(|| vec![DEFAULT_ROLE.to_owned()]);
    let account = match new.account.as_deref().or(service.configuration().default_account.as_deref()) {
        Some(which) => Some(accounts::find(service, which).await?.id),
        None => None,
    };
    Ok(NewUser {
        id: service.new_id("user"),
        username,
        roles: known_roles(&service.configuration().rules, &roles)?,
        account,
        external_id: new.external_id.as_deref().map(fields::external_id).transpose()?,
        password,
        created_at: origin.at,
    })
}

/// A name or reference that is another's.
pub(crate) fn taken(username: &str) -> Failure {
    Failure {
        kind: Kind::Conflict,
        message: format!("there is a user {username:?}, or one with this external id, already; nothing was changed"),
    }
}

/// Which users to list, as it is written; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserQuestion {
    /// With this text in its name, id or reference.
    pub search: Option<String>,
    /// Of this account, by name, id or reference.
    pub account: Option<String>,
    /// `active` or `disabled`.
    pub status: Option<String>,
    /// With this role.
    pub role: Option<String>,
}

/// A page of users, newest first.
///
/// # Errors
/// A cursor that is none of ours, or a question that cannot be read.
pub async fn list(
    service: &Service,
    question: &UserQuestion,
    (cursor, limit): (Option<&str>, u32),
) -> Result<Listing<UserView>, Failure> {
    let (page, limit) = listing::page(cursor, limit)?;
    let account = match &question.account {
        Some(which) => Some(accounts::find(service, which).await?.id),
        None => None,
    };
    let filter = UserFilter {
        search: question.search.as_deref().map(fields::search).transpose()?.flatten(),
        account,
        paused: listing::paused(question.status.as_deref())?,
        role: question.role.as_deref().map(Into::into),
    };
    Ok(listing::of(&service.store.users(&filter, &page).await?, limit, |user| UserView::from(user)))
}

/// Pauses a user, ends its pause, or gives it other roles, and waits for the receipt.
///
/// # Errors
/// No such user, or roles that are not there.
pub async fn change(
    service: &Service,
    who: &str,
    change: &UserChange,
    origin: &Origin,
) -> Result<ChangedUser, Failure> {
    change_if(service, who, (change, &Expected::Any), origin).await
}

/// As [`change`], if the user is in a version that is expected.
///
/// # Errors
/// As [`change`], and that it is in another.
pub async fn change_if(
    service: &Service,
    who: &str,
    (change, expected): (&UserChange, &Expected),
    origin: &Origin,
) -> Result<ChangedUser, Failure> {
    let user = find(service, who).await?;
    let (action, said) = match change {
        UserChange::Disable(_) => (Action::UserDisabled, None),
        UserChange::Enable => (Action::UserEnabled, None),
        UserChange::Password(..) | UserChange::OwnPassword { .. } => (Action::PasswordChanged, None),
        UserChange::SignOut(_) => (Action::SignedOutEverywhere, None),
        UserChange::Renew { .. } => (Action::PasswordRenewed, None),
        UserChange::Roles(roles) => (Action::RolesChanged, Some(("roles", roles.join(" ").into()))),
        UserChange::Account(_, account) => (Action::UserMoved, account.clone().map(|account| ("account", account))),
        UserChange::ExternalId(reference) => {
            (Action::UserReference, reference.clone().map(|reference| ("externalId", reference)))
        }
    };
    let mut event = origin.event(action, &user.owner.id);
    event.detail.push(("username", user.owner.username.clone()));
    event.detail.extend(said);
    match service.store.change_user_if(&user.owner.id, expected, change, &event).await? {
        None => Err(Failure::moved()),
        Some(Changed::NotFound) => Err(no_such_user(who)),
        Some(Changed::Refused(obstacle)) => Err(in_the_way(obstacle, &user.owner.username)),
        Some(Changed::Done(head, user)) => {
            let receipt = service.receipt(head, service.now()).await;
            Ok(ChangedUser { view: UserView::from(&user), receipt })
        }
    }
}

/// What puts a user into an account, named by its name, id or reference, or into none.
///
/// # Errors
/// No such account, or more than one.
pub async fn into_account(service: &Service, which: Option<&str>, at: Timestamp) -> Result<UserChange, Failure> {
    let account = match which {
        Some(which) => Some(accounts::find(service, which).await?.id),
        None => None,
    };
    Ok(UserChange::Account(at, account))
}

/// Why a user cannot be changed like that.
fn in_the_way(obstacle: Obstacle, username: &str) -> Failure {
    let message = match obstacle {
        Obstacle::Taken => "there is a user with this external id already; nothing was changed".to_owned(),
        Obstacle::Bound => format!(
            "{username} stands for its account in the customer portal and stays with it; make another user. Nothing was \
             changed"
        ),
    };
    Failure { kind: Kind::Conflict, message }
}

/// Gives a user another password; its sessions end.
///
/// # Errors
/// No such user, or a password that is too weak.
pub async fn set_password(
    service: &Service,
    who: &str,
    password: Password,
    origin: &Origin,
) -> Result<ChangedUser, Failure> {
    let user = find(service, who).await?;
    let hash = service.passwords.hash(password, &*service.random).await?;
    let changed = change(service, &user.owner.id, &UserChange::Password(origin.at, hash), origin).await?;
    forget_initial(service, &user.owner.username);
    Ok(changed)
}

/// Removes the file with the first password, once its user has another.
pub(crate) fn forget_initial(service: &Service, username: &str) {
    if *username == *crate::service::ADMIN
        && let Some(file) = &service.initial_password
    {
        // The password in it opens nothing any more; whether the file could be removed changes nothing about that.
        let _ = std::fs::remove_file(file);
    }
}

/// Removes a user's second factor, as an operator, and waits for the receipt.
///
/// # Errors
/// No such user, or one without a second factor.
pub async fn remove_second_factor(service: &Service, who: &str, origin: &Origin) -> Result<ChangedUser, Failure> {
    let user = find(service, who).await?;
    let mut event = origin.event(Action::SecondFactorRemoved, &user.owner.id);
    event.detail.push(("username", user.owner.username.clone()));
    match service.store.change_factors(&user.owner.id, &FactorChange::Remove(None), &event).await? {
        Some(head) => {
            let receipt = service.receipt(head, service.now()).await;
            Ok(ChangedUser { view: UserView::from(&UserRecord { second_factor: false, ..user }), receipt })
        }
        None => {
            let message = format!("{} has no second factor; nothing was changed", user.owner.username);
            Err(Failure { kind: Kind::Conflict, message })
        }
    }
}

/// Roles that the configuration has.
///
/// # Errors
/// The first that it has not.
pub fn known_roles(rules: &Rules, names: &[String]) -> Result<Vec<Box<str>>, Failure> {
    let known: Vec<&str> = rules.roles.keys().map(AsRef::as_ref).collect();
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Failure::invalid(format!("there is no role {name:?}; there are: {}", known.join(", ")))),
        None => Ok(names.iter().map(|name| name.as_str().into()).collect()),
    }
}

/// A user by name, id or reference.
///
/// # Errors
/// No such user, or more than one.
pub async fn find(service: &Service, who: &str) -> Result<UserRecord, Failure> {
    let mut found = service.store.users_called(who).await?;
    // As one would type it: `Ada` is ada.
    if let Ok(canonical) = fields::username(who)
        && let Some(named) = service.store.find_user(&canonical).await?
        && found.iter().all(|user| user.owner.id != named.owner.id)
    {
        found.push(named);
    }
    listing::only(found, who, "user", |user| &user.owner.id)?.ok_or_else(|| no_such_user(who))
}

fn no_such_user(who: &str) -> Failure {
    Failure {
        kind: Kind::NotFound,
        message: format!("there is no user {who:?}; `keyward user list` tells who there is"),
    }
}
