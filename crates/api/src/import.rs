//! Users of other programs, from files in their forms: looked at first, taken only when that is asked for.

pub(crate) mod adopting;
pub mod files;
pub(crate) mod foreign;
pub(crate) mod hashes;
pub mod keys;
pub mod provers;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::fields;
use crate::origin::Origin;
use crate::people::users::{self, UserToMake};
use crate::service::Service;
use crate::sign_in::passwords::Password;

/// What is to be taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// The file, in the form of htpasswd: a name, a colon and a hash in each line. It holds hashes, so it is handled as a secret.
    pub text: Password,
    /// The roles of users made from it; absent = `self`.
    pub roles: Option<Vec<String>>,
    /// The account that they belong to, by name, id or reference.
    pub account: Option<String>,
    /// Make them; without it nothing is changed.
    pub apply: bool,
}

/// What became of a file, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether anything was changed.
    pub applied: bool,
    /// Each entry, in its order.
    pub entries: Vec<Entry>,
}

/// What became of one entry, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its line, from 1.
    pub line: usize,
    /// Whom it names, where that can be shown.
    pub name: Option<String>,
    /// Whether it is taken.
    pub taken: bool,
    /// How, or why not. Nothing of a hash.
    pub why: String,
}

/// Takes users with their passwords, or says what taking them would come to.
///
/// # Errors
/// Roles or an account that are not there. What is wrong with one entry is in the report.
pub async fn htpasswd(service: &Service, import: &Import, origin: &Origin) -> Result<Report, Failure> {
    let named = |username: &str| UserToMake {
        username: username.to_owned(),
        roles: import.roles.clone(),
        account: import.account.clone(),
        external_id: None,
    };
    // What holds for all of them is told once, before anything is done.
    users::draft(service, &named("anybody"), None, origin).await?;
    let mut entries: Vec<Entry> = Vec::new();
    for (index, text) in import.text.expose().lines().enumerate() {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let entry = |name: Option<&str>, outcome: Result<String, String>| Entry {
            line: index + 1,
            name: name.map(str::to_owned),
            taken: outcome.is_ok(),
            why: outcome.unwrap_or_else(|why| why),
        };
        // What is no name may be a password in the wrong place, and is not repeated.
        let name = text.split_once(':').and_then(|(name, _)| fields::username(name).ok());
        let hash = text.split_once(':').map(|(_, rest)| rest.split(':').next().unwrap_or_default());
        let (Some(name), Some(hash)) = (name, hash) else {
            entries.push(entry(None, Err("the line is not a username, a colon and a hash".to_owned())));
            continue;
        };
        let outcome = if entries.iter().any(|one| one.taken && one.name.as_deref() == Some(&*name)) {
            Err("the name stands here twice; the first was taken".to_owned())
        } else {
            take(service, (&named(&name), hash), import.apply, origin).await?
        };
        entries.push(entry(Some(&*name), outcome));
    }
    Ok(Report { applied: import.apply, entries })
}

/// One user: how it is taken, or why not.
async fn take(
    service: &Service,
    (new, hash): (&UserToMake, &str),
    apply: bool,
    origin: &Origin,
) -> Result<Result<String, String>, Failure> {
    let hash = match foreign::take(hash) {
        Ok(hash) => hash,
        Err(why) => return Ok(Err(why.to_owned())),
    };
    let how = if foreign::is_ours(&hash) {
        "with its hash as it is".to_owned()
    } else {
        "with its hash, which is made anew at the first sign-in".to_owned()
    };
    let done = if apply {
        users::keep(service, new, Some(hash), origin).await.map(drop)
    } else {
        match service.store.find_user(&new.username).await? {
            Some(_) => Err(users::taken(&new.username)),
            None => Ok(()),
        }
    };
    match done {
        Ok(()) => Ok(Ok(how)),
        Err(Failure { kind: Kind::Conflict, .. }) => Ok(Err("there is a user of this name already".to_owned())),
        Err(failure) => Err(failure),
    }
}
