//! Commands about users and accounts as values, and how they are carried out.

use keyward_engine::people::{AccountChange, UserChange};
use serde::{Deserialize, Serialize};

use crate::budgets;
use crate::command::Reply;
use crate::failure::Failure;
use crate::fields;
use crate::import::keys::KeyImport;
use crate::import::{self, Import, Report};
use crate::origin::Origin;
use crate::people::accounts::{self, AccountQuestion, AccountView, NewAccount};
use crate::people::invitations::{self, NewInvitation};
use crate::people::users::{self, UserQuestion, UserToMake, UserView};
use crate::portal;
use crate::portal::links::PortalLink;
use crate::service::Service;
use crate::sessions::{self, SessionQuestion};
use crate::sign_in::passwords::Password;
use crate::view::ReceiptView;

/// What to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "people", rename_all = "camelCase")]
pub enum PeopleCommand {
    /// Make a user.
    AddUser {
        /// Which.
        user: UserToMake,
        /// What it signs in with.
        password: Option<Password>,
    },
    /// Take users from a file of another program.
    Import {
        /// What.
        import: Import,
    },
    /// Take keys from a file of another program.
    ImportKeys {
        /// What.
        import: KeyImport,
    },
    /// List users.
    ListUsers {
        /// Which.
        #[serde(default)]
        question: UserQuestion,
        /// Where to go on.
        cursor: Option<String>,
        /// How many at most.
        limit: u32,
    },
    /// Give a user another password.
    SetPassword {
        /// Name, id or reference.
        who: String,
        /// The password.
        password: Password,
    },
    /// Pause a user.
    DisableUser {
        /// Name, id or reference.
        who: String,
    },
    /// End a user's pause.
    EnableUser {
        /// Name, id or reference.
        who: String,
    },
    /// List the sessions of a user that count.
    SessionsOf {
        /// Name, id or reference.
        who: String,
    },
    /// End all sessions of a user.
    SignOutUser {
        /// Name, id or reference.
        who: String,
    },
    /// Make a link to the customer portal.
    PortalLink {
        /// The account, by name, id or reference.
        which: String,
    },
    /// Make a link by which a user sets its password.
    InviteUser {
        /// Name, id or reference.
        who: String,
    },
    /// Remove a user's second factor.
    RemoveSecondFactor {
        /// Name, id or reference.
        who: String,
    },
    /// End one session.
    EndSession {
        /// Its id.
        id: String,
    },
    /// Give a user other roles.
    SetRoles {
        /// Name, id or reference.
        who: String,
        /// All of its roles from now on.
        roles: Vec<String>,
    },
    /// Put a user into another account.
    SetAccount {
        /// Name, id or reference.
        who: String,
        /// The account, by name, id or reference; `None` = none.
        account: Option<String>,
    },
    /// Give a user another reference of one's own.
    SetUserReference {
        /// Name, id or reference.
        who: String,
        /// The reference; `None` = none.
        external_id: Option<String>,
    },
    /// Give an account another reference of one's own.
    SetAccountReference {
        /// Name, id or reference.
        which: String,
        /// The reference; `None` = none.
        external_id: Option<String>,
    },
    /// Make an account.
    AddAccount {
        /// Which.
        account: NewAccount,
    },
    /// Give an account another plan.
    SetPlan {
        /// Name, id or reference.
        which: String,
        /// The plan's name in the configuration; `None` = the one for whoever has none.
        plan: Option<String>,
    },
    /// Give an account another list of addresses.
    SetAddresses {
        /// Name, id or reference.
        which: String,
        /// All of it from now on; empty = anywhere.
        allowed_ips: Vec<String>,
    },
    /// Give an account limits of its own.
    SetLimits {
        /// Name, id or reference.
        which: String,
        /// Each such as `1000/1h`; empty = those of its plan.
        limits: Vec<String>,
    },
    /// Change the budget of an account.
    SetBudget {
        /// Name, id or reference.
        which: String,
        /// `+500`, `=500`, `=1000/30d` or `none`.
        change: String,
    },
    /// List accounts.
    ListAccounts {
        /// Which.
        #[serde(default)]
        question: AccountQuestion,
        /// Where to go on.
        cursor: Option<String>,
        /// How many at most.
        limit: u32,
    },
    /// List sessions.
    ListSessions {
        /// Which.
        #[serde(default)]
        question: SessionQuestion,
        /// Where to go on.
        cursor: Option<String>,
        /// How many at most.
        limit: u32,
    },
    /// Show one user.
    ShowUser {
        /// Name, id or reference.
        who: String,
    },
    /// Show one account.
    ShowAccount {
        /// Name, id or reference.
        which: String,
    },
    /// Pause an account.
    DisableAccount {
        /// Name, id or reference.
        which: String,
    },
    /// End an account's pause.
    EnableAccount {
        /// Name, id or reference.
        which: String,
    },
}

/// What is said of users and accounts alone.
#[derive(Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "camelCase")]
pub enum PeopleReply {
    /// A file of another program was looked at, or taken.
    Imported {
        /// What came of it.
        report: Report,
    },
    /// A link to the customer portal was made.
    PortalLink {
        /// The link.
        link: PortalLink,
    },
    /// A user was invited.
    Invited {
        /// The link, and whom it invites.
        invitation: Box<NewInvitation>,
        /// Where operators come, as a URL; nothing where no server said so.
        #[serde(default)]
        port: Option<String>,
    },
    /// A session was ended.
    SessionEnded {
        /// Which nodes know.
        receipt: ReceiptView,
    },
}

impl From<PeopleReply> for Reply {
    fn from(reply: PeopleReply) -> Self {
        Self::People(reply)
    }
}

/// Carries out a command as an operator.
///
/// # Errors
/// What the operation says.
pub async fn carry_out(service: &Service, command: PeopleCommand) -> Result<Reply, Failure> {
    let origin = Origin::operator(service);
    let at = origin.at;
    match command {
        PeopleCommand::AddUser { user, password } => {
            Ok(Reply::UserAdded { user: users::create(service, &user, password, &origin).await? })
        }
        PeopleCommand::Import { import } => {
            Ok(PeopleReply::Imported { report: import::htpasswd(service, &import, &origin).await? }.into())
        }
        PeopleCommand::ImportKeys { import } => {
            Ok(PeopleReply::Imported { report: import::keys::take(service, &import, &origin).await? }.into())
        }
        PeopleCommand::ListUsers { question, cursor, limit } => {
            Ok(Reply::Users { listing: users::list(service, &question, (cursor.as_deref(), limit)).await? })
        }
        PeopleCommand::SetPassword { who, password } => {
            Ok(Reply::UserChanged { user: users::set_password(service, &who, password, &origin).await? })
        }
        PeopleCommand::DisableUser { who } => {
            let user = users::change(service, &who, &UserChange::Disable(at), &origin).await?;
            Ok(Reply::UserChanged { user })
        }
        PeopleCommand::EnableUser { who } => {
            let user = users::change(service, &who, &UserChange::Enable, &origin).await?;
            Ok(Reply::UserChanged { user })
        }
        PeopleCommand::SessionsOf { who } => Ok(Reply::Sessions { listing: sessions::list_of(service, &who).await? }),
        PeopleCommand::SignOutUser { who } => {
            Ok(Reply::UserChanged { user: sessions::end_all_of(service, &who, &origin).await? })
        }
        PeopleCommand::PortalLink { which } => {
            Ok(PeopleReply::PortalLink { link: portal::links::make(service, &which, &origin).await? }.into())
        }
        PeopleCommand::InviteUser { who } => {
            let invitation = Box::new(invitations::make(service, &who, &origin).await?);
            let port = service.serving.get().map(|serving| serving.operators_port.clone());
            Ok(PeopleReply::Invited { invitation, port }.into())
        }
        PeopleCommand::RemoveSecondFactor { who } => {
            Ok(Reply::UserChanged { user: users::remove_second_factor(service, &who, &origin).await? })
        }
        PeopleCommand::EndSession { id } => {
            Ok(PeopleReply::SessionEnded { receipt: sessions::end(service, &id, &origin).await? }.into())
        }
        PeopleCommand::SetRoles { who, roles } => {
            let roles = UserChange::Roles(users::known_roles(&service.configuration().rules, &roles)?);
            Ok(Reply::UserChanged { user: users::change(service, &who, &roles, &origin).await? })
        }
        PeopleCommand::SetAccount { who, account } => {
            let change = users::into_account(service, account.as_deref(), at).await?;
            Ok(Reply::UserChanged { user: users::change(service, &who, &change, &origin).await? })
        }
        PeopleCommand::SetUserReference { who, external_id } => {
            let change = UserChange::ExternalId(external_id.as_deref().map(fields::external_id).transpose()?);
            Ok(Reply::UserChanged { user: users::change(service, &who, &change, &origin).await? })
        }
        PeopleCommand::SetAccountReference { which, external_id } => {
            let change = AccountChange::ExternalId(external_id.as_deref().map(fields::external_id).transpose()?);
            Ok(Reply::AccountChanged { account: accounts::change(service, &which, change, &origin).await? })
        }
        PeopleCommand::AddAccount { account } => {
            Ok(Reply::AccountAdded { account: accounts::create(service, &account, &origin).await? })
        }
        PeopleCommand::SetPlan { which, plan } => {
            let plan = plan.as_deref().map(|name| accounts::known_plan(service, name)).transpose()?;
            let plan = AccountChange::Plan(plan);
            Ok(Reply::AccountChanged { account: accounts::change(service, &which, plan, &origin).await? })
        }
        PeopleCommand::SetAddresses { which, allowed_ips } => {
            let list = AccountChange::Addresses(fields::networks(&allowed_ips)?);
            Ok(Reply::AccountChanged { account: accounts::change(service, &which, list, &origin).await? })
        }
        PeopleCommand::SetLimits { which, limits } => {
            let limits = AccountChange::Limits(budgets::paces(&limits)?);
            Ok(Reply::AccountChanged { account: accounts::change(service, &which, limits, &origin).await? })
        }
        PeopleCommand::SetBudget { which, change } => {
            let account = budgets::change_of_account(service, &which, &change, &origin).await?;
            Ok(Reply::AccountChanged { account })
        }
        PeopleCommand::ListAccounts { question, cursor, limit } => {
            Ok(Reply::Accounts { listing: accounts::list(service, &question, (cursor.as_deref(), limit)).await? })
        }
        PeopleCommand::ListSessions { question, cursor, limit } => {
            Ok(Reply::Sessions { listing: sessions::list(service, &question, (cursor.as_deref(), limit)).await? })
        }
        PeopleCommand::ShowUser { who } => Ok(Reply::User { user: UserView::from(&users::find(service, &who).await?) }),
        PeopleCommand::ShowAccount { which } => {
            Ok(Reply::Account { account: AccountView::from(&accounts::find(service, &which).await?) })
        }
        PeopleCommand::DisableAccount { which } => {
            let account = accounts::change(service, &which, AccountChange::Disable(at), &origin).await?;
            Ok(Reply::AccountChanged { account })
        }
        PeopleCommand::EnableAccount { which } => {
            let account = accounts::change(service, &which, AccountChange::Enable, &origin).await?;
            Ok(Reply::AccountChanged { account })
        }
    }
}
