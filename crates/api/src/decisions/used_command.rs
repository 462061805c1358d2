//! Commands about what was used and what is left as values, and how they are carried out.

use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::decisions::usage::{self, Of, UsageOfView, UsageQuestion};
use crate::decisions::used::{self, KeyUsage, Used, UsedQuestion};
use crate::failure::Failure;
use crate::limits::{self, LimitsView};
use crate::service::Service;
use crate::view::Listing;

/// What to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "used", rename_all = "camelCase")]
pub enum UsedCommand {
    /// List what was used.
    List {
        /// Of whom.
        of: Of,
        /// From when to when.
        question: UsageQuestion,
    },
    /// Show what a key was used for.
    Key {
        /// Its id.
        id: String,
        /// From when to when.
        question: UsedQuestion,
    },
    /// Show where a key stands with its limits.
    LimitsOfKey {
        /// Its id.
        id: String,
    },
    /// Show what an account used.
    Account {
        /// Name, id or reference.
        which: String,
        /// From when to when.
        question: UsedQuestion,
    },
    /// Show where an account stands with its limits.
    LimitsOfAccount {
        /// Name, id or reference.
        which: String,
    },
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "camelCase")]
pub enum UsedReply {
    /// A page of rows.
    List {
        /// The page.
        listing: Listing<UsageOfView>,
    },
    /// What a key was used for.
    Key {
        /// All of it.
        usage: Box<KeyUsage>,
    },
    /// What an account used.
    Account {
        /// All of it.
        usage: Box<Used>,
    },
    /// Where somebody stands with their limits.
    Limits {
        /// Each of them.
        limits: LimitsView,
    },
}

/// Carries out a command as an operator.
///
/// # Errors
/// What the operation says.
pub async fn carry_out(service: &Service, command: UsedCommand) -> Result<UsedReply, Failure> {
    let actor = Actor::Operator;
    Ok(match command {
        UsedCommand::List { of, question } => UsedReply::List { listing: usage::list(service, &question, &of).await? },
        UsedCommand::Key { id, question } => {
            UsedReply::Key { usage: Box::new(used::of_key(service, actor, &id, &question).await?) }
        }
        UsedCommand::LimitsOfKey { id } => UsedReply::Limits { limits: limits::of_key(service, actor, &id).await? },
        UsedCommand::Account { which, question } => {
            UsedReply::Account { usage: Box::new(used::of_account(service, &which, &question).await?) }
        }
        UsedCommand::LimitsOfAccount { which } => {
            UsedReply::Limits { limits: limits::of_account(service, &which).await? }
        }
    })
}
