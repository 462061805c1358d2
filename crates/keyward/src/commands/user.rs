//! `keyward user …`: makes and manages users.

use keyward_api::command::{Command, Reply};
use keyward_api::people::command::{PeopleCommand, PeopleReply};
use keyward_api::people::users::{ChangedUser, UserQuestion, UserToMake, UserView};
use keyward_api::sign_in::passwords::Password;
use keyward_api::view::Listing;

use crate::backend::{self, Reach};
use crate::cli::{Cli, SecondFactor, User, WhichUsers};
use crate::exit::Result;
use crate::{pages, secret_input, terminal};

/// Carries out one of the user commands.
///
/// # Errors
/// What the operation says.
pub fn run(cli: &Cli, command: &User) -> Result<()> {
    let reach = Reach::of(cli)?;
    let (asked, generated) = match command {
        User::Add { username, roles, account, external_id, password_file, no_password, invite } => {
            let (password, generated) =
                if *no_password || *invite { (None, None) } else { secret_input::password(password_file)? };
            let user = UserToMake {
                username: username.clone(),
                roles: roles.as_deref().map(pages::words),
                account: account.clone(),
                external_id: external_id.clone(),
            };
            (Command::People(PeopleCommand::AddUser { user, password }), generated)
        }
        User::List { which, limit, cursor } => {
            return list(&reach, cli.json, &question(which), (*limit, cursor.clone()));
        }
        User::Passwd { who, password_file } => {
            let (password, generated) = secret_input::password(password_file)?;
            let password = password.unwrap_or_else(|| Password::from(String::new()));
            (Command::People(PeopleCommand::SetPassword { who: who.clone(), password }), generated)
        }
        User::Show { who } => (Command::People(PeopleCommand::ShowUser { who: who.clone() }), None),
        User::Disable { who } => (Command::People(PeopleCommand::DisableUser { who: who.clone() }), None),
        User::Enable { who } => (Command::People(PeopleCommand::EnableUser { who: who.clone() }), None),
        User::Invite { who } => return invite(&reach, cli.json, who),
        User::SecondFactor(SecondFactor::Remove { who }) => {
            (Command::People(PeopleCommand::RemoveSecondFactor { who: who.clone() }), None)
        }
        User::Sessions { who } => return sessions(&reach, cli.json, who),
        User::SignOut { session: Some(id), .. } => {
            (Command::People(PeopleCommand::EndSession { id: id.clone() }), None)
        }
        User::SignOut { who, .. } => {
            (Command::People(PeopleCommand::SignOutUser { who: who.clone().unwrap_or_default() }), None)
        }
        User::Set { who, account, no_account, external_id, no_external_id: _ } => {
            let who = who.clone();
            // The flags are such that one of them is there.
            let asked = if account.is_some() || *no_account {
                PeopleCommand::SetAccount { who, account: account.clone() }
            } else {
                PeopleCommand::SetUserReference { who, external_id: external_id.clone() }
            };
            (Command::People(asked), None)
        }
        User::Roles { who, roles } => {
            (Command::People(PeopleCommand::SetRoles { who: who.clone(), roles: pages::words(roles) }), None)
        }
    };
    match reach.run(asked)? {
        Reply::User { user } => told(cli.json, &user, None, &card(&user)),
        Reply::UserAdded { user } if matches!(command, User::Add { invite: true, .. }) => {
            return invite(&reach, cli.json, &user.id);
        }
        Reply::UserAdded { user } => told(cli.json, &user, generated, &card(&user)),
        Reply::UserChanged { user } => {
            let text = changed(&user, command);
            told(cli.json, &user, generated, &text);
        }
        Reply::People(PeopleReply::SessionEnded { receipt }) => {
            told(cli.json, &receipt, None, &format!("the session has ended, {}", receipt.felt()));
        }
        _ => return Err(backend::unexpected()),
    }
    Ok(())
}

/// A password made here is shown once: on a terminal above the rest, piped alone on stdout.
fn told(json: bool, view: &impl serde::Serialize, generated: Option<String>, text: &str) {
    if json {
        let mut view = serde_json::to_value(view).unwrap_or_default();
        if let (Some(fields), Some(password)) = (view.as_object_mut(), generated) {
            fields.insert("password".to_owned(), password.into());
        }
        return terminal::json(&view);
    }
    match generated {
        None => terminal::line(text),
        Some(password) if terminal::is_terminal() => {
            terminal::line(&format!("{password}\n  the password, shown once: it cannot be shown again\n{text}"));
        }
        Some(password) => {
            terminal::line(&password);
            terminal::warn_line(&format!("  the password, shown once: it cannot be shown again\n{text}"));
        }
    }
}

fn card(user: &UserView) -> String {
    let mut rows = vec![
        ("id", user.id.clone()),
        ("username", user.username.clone()),
        ("status", user.status.clone()),
        ("roles", user.roles.join(" ")),
        ("created", user.created_at.clone()),
    ];
    let optional = [("account", &user.account), ("external id", &user.external_id), ("disabled", &user.disabled_at)];
    rows.extend(optional.into_iter().filter_map(|(name, value)| value.clone().map(|value| (name, value))));
    pages::card(&rows)
}

fn changed(user: &ChangedUser, command: &User) -> String {
    let name = &user.view.username;
    let felt = user.receipt.felt();
    match command {
        User::Disable { .. } => format!("{name} disabled: its keys are refused and its sessions have ended, {felt}"),
        User::Enable { .. } => format!("{name} enabled: its keys are accepted again, {felt}; it has to sign in anew"),
        User::SecondFactor(_) => format!("{name} signs in by its password alone, {felt}"),
        User::SignOut { .. } => format!("{name} is signed out everywhere, {felt}; its keys go on"),
        User::Set { account: None, no_account: false, .. } => match &user.view.external_id {
            Some(reference) => format!("{name} has the external id {reference}, {felt}"),
            None => format!("{name} has no external id, {felt}"),
        },
        User::Set { .. } => match &user.view.account {
            Some(account) => format!("{name} belongs to {account}, with its keys, {felt}"),
            None => format!("{name} belongs to no account, nor do its keys, {felt}"),
        },
        User::Roles { .. } => format!("{name} has the roles {}, {felt}", user.view.roles.join(" ")),
        _ => format!("{name} has another password, and its sessions have ended, {felt}; its keys go on"),
    }
}

fn question(which: &WhichUsers) -> UserQuestion {
    UserQuestion {
        search: which.search.clone(),
        account: which.account.clone(),
        status: which.status.clone(),
        role: which.role.clone(),
    }
}

fn list(reach: &Reach, json: bool, question: &UserQuestion, (limit, cursor): (u32, Option<String>)) -> Result<()> {
    let listing: Listing<UserView> = pages::all(limit, cursor, |cursor, limit| {
        let question = question.clone();
        match reach.run(Command::People(PeopleCommand::ListUsers { question, cursor, limit }))? {
            Reply::Users { listing } => Ok(listing),
            _ => Err(backend::unexpected()),
        }
    })?;
    if json {
        terminal::json(&listing);
        return Ok(());
    }
    let rows = listing.data.into_iter().map(|user| {
        let signs_in = if user.can_sign_in { "yes" } else { "no" }.to_owned();
        let account = user.account.unwrap_or_else(|| "-".to_owned());
        vec![user.id, user.username, user.status, user.roles.join(" "), account, signs_in, user.created_at]
    });
    let head = ["ID", "USERNAME", "STATUS", "ROLES", "ACCOUNT", "SIGNS IN", "CREATED"];
    terminal::line(&terminal::table(&head, rows));
    Ok(())
}

fn sessions(reach: &Reach, json: bool, who: &str) -> Result<()> {
    let asked = Command::People(PeopleCommand::SessionsOf { who: who.to_owned() });
    let Reply::Sessions { listing } = reach.run(asked)? else { return Err(backend::unexpected()) };
    super::session::told(json, listing);
    Ok(())
}

/// The link is shown once: on a terminal above the rest, piped alone on stdout.
fn invite(reach: &Reach, json: bool, who: &str) -> Result<()> {
    let asked = Command::People(PeopleCommand::InviteUser { who: who.to_owned() });
    let Reply::People(PeopleReply::Invited { mut invitation, port }) = reach.run(asked)? else {
        return Err(backend::unexpected());
    };
    // A server that runs knows its port best: a flag may have moved it.
    let port = port.unwrap_or_else(|| reach.operators_port());
    invitation.link = Password::from(format!("{port}{}", invitation.link.expose()));
    if json {
        terminal::json(&invitation);
        return Ok(());
    }
    let (name, until) = (&invitation.user.username, &invitation.expires_at);
    let text = format!("  by it {name} sets its password, once, until {until}; another one ends it");
    terminal::line(invitation.link.expose());
    if terminal::is_terminal() {
        terminal::line(&text)
    } else {
        terminal::warn_line(&text)
    }
    Ok(())
}
