//! Which call of the admin API each command about users and accounts is.

use http::Method;
use keyward_api::command::Reply;
use keyward_api::people::command::{PeopleCommand, PeopleReply};
use keyward_api::view::ReceiptView;
use serde_json::{Value, json};

use super::call::{Call, asked, body, path};

/// The call that a command is; `None` for what is done on the machine of the data directory alone.
pub fn call(command: PeopleCommand) -> Option<Call> {
    let page = |cursor: Option<String>, limit: u32| [("cursor", cursor), ("limit", Some(limit.to_string()))];
    Some(match command {
        PeopleCommand::AddUser { user, password } => {
            let mut sent = body(&user)?;
            if let (Some(fields), Some(password)) = (sent.as_object_mut(), password) {
                fields.insert("password".to_owned(), password.expose().into());
            }
            Call::post(path(&["users"]), Some(sent), |made: MadeUser| Reply::UserAdded { user: made.user })
        }
        PeopleCommand::ListUsers { question, cursor, limit } => {
            Call::get(asked(&["users"], &question, &page(cursor, limit)), |listing| Reply::Users { listing })
        }
        PeopleCommand::ShowUser { who } => Call::get(path(&["users", &who]), |user| Reply::User { user }),
        PeopleCommand::SetPassword { who, password } => {
            user("password", &who, Some(json!({ "password": password.expose() })))
        }
        PeopleCommand::DisableUser { who } => user("disable", &who, None),
        PeopleCommand::EnableUser { who } => user("enable", &who, None),
        PeopleCommand::SetRoles { who, roles } => patched_user(&who, json!({ "roles": roles })),
        PeopleCommand::SetAccount { who, account } => patched_user(&who, json!({ "account": account })),
        PeopleCommand::SetUserReference { who, external_id } => {
            patched_user(&who, json!({ "externalId": external_id }))
        }
        PeopleCommand::SetAccountReference { which, external_id } => {
            patched(&which, json!({ "externalId": external_id }))
        }
        PeopleCommand::AddAccount { account } => {
            Call::post(path(&["accounts"]), body(&account), |account| Reply::AccountAdded { account })
        }
        PeopleCommand::ListAccounts { question, cursor, limit } => {
            Call::get(asked(&["accounts"], &question, &page(cursor, limit)), |listing| Reply::Accounts { listing })
        }
        PeopleCommand::ShowAccount { which } => {
            Call::get(path(&["accounts", &which]), |account| Reply::Account { account })
        }
        PeopleCommand::SetPlan { which, plan } => patched(&which, json!({ "plan": plan })),
        PeopleCommand::SetAddresses { which, allowed_ips } => patched(&which, json!({ "allowedIps": allowed_ips })),
        PeopleCommand::SetLimits { which, limits } => patched(&which, json!({ "limits": limits })),
        PeopleCommand::SetBudget { which, change } => account("budget", &which, Some(json!({ "change": change }))),
        PeopleCommand::DisableAccount { which } => account("disable", &which, None),
        PeopleCommand::EnableAccount { which } => account("enable", &which, None),
        PeopleCommand::ListSessions { question, cursor, limit } => {
            Call::get(asked(&["sessions"], &question, &page(cursor, limit)), |listing| Reply::Sessions { listing })
        }
        PeopleCommand::SessionsOf { who } => {
            Call::get(path(&["users", &who, "sessions"]), |listing| Reply::Sessions { listing })
        }
        PeopleCommand::SignOutUser { who } => {
            Call::change(path(&["users", &who, "sessions"]), None, "user", |user| Reply::UserChanged { user })
                .by(Method::DELETE)
        }
        PeopleCommand::EndSession { id } => {
            Call::post(path(&["sessions", &id]), None, |Felt { receipt }| PeopleReply::SessionEnded { receipt }.into())
                .by(Method::DELETE)
        }
        PeopleCommand::InviteUser { who } => Call::post(path(&["users", &who, "invitation"]), None, |invitation| {
            PeopleReply::Invited { invitation: Box::new(invitation), port: None }.into()
        }),
        PeopleCommand::RemoveSecondFactor { who } => {
            Call::change(path(&["users", &who, "second-factor", "remove"]), None, "user", |user| Reply::UserChanged {
                user,
            })
        }
        PeopleCommand::PortalLink { which } => Call::post(path(&["accounts", &which, "portal-links"]), None, |link| {
            PeopleReply::PortalLink { link }.into()
        }),
        PeopleCommand::Import { .. } | PeopleCommand::ImportKeys { .. } => return None,
    })
}

/// A user that was made.
#[derive(serde::Deserialize)]
struct MadeUser {
    user: keyward_api::people::users::UserView,
}

/// How far a change has come, and nothing else.
#[derive(serde::Deserialize)]
struct Felt {
    receipt: ReceiptView,
}

fn user(verb: &str, who: &str, sent: Option<Value>) -> Call {
    Call::change(path(&["users", who, verb]), sent, "user", |user| Reply::UserChanged { user })
}

fn account(verb: &str, which: &str, sent: Option<Value>) -> Call {
    Call::change(path(&["accounts", which, verb]), sent, "account", |account| Reply::AccountChanged { account })
}

fn patched_user(who: &str, sent: Value) -> Call {
    Call::change(path(&["users", who]), Some(sent), "user", |user| Reply::UserChanged { user }).by(Method::PATCH)
}

fn patched(which: &str, sent: Value) -> Call {
    let target = path(&["accounts", which]);
    Call::change(target, Some(sent), "account", |account| Reply::AccountChanged { account }).by(Method::PATCH)
}
