//! Which call of the admin API each command about what was used is.

use keyward_api::command::Reply;
use keyward_api::decisions::used_command::{UsedCommand, UsedReply};

use super::call::{Call, asked, path};

/// The call that a command is.
pub fn call(command: UsedCommand) -> Call {
    let limits = |limits| Reply::Used(UsedReply::Limits { limits });
    match command {
        UsedCommand::List { of, question } => {
            let more = [
                ("since", question.since),
                ("until", question.until),
                ("cursor", question.cursor),
                ("limit", Some(question.limit.to_string())),
            ];
            Call::get(asked(&["usage"], &of, &more), |listing| Reply::Used(UsedReply::List { listing }))
        }
        UsedCommand::Key { id, question } => {
            Call::get(asked(&["keys", &id, "usage"], &question, &[]), |usage| Reply::Used(UsedReply::Key { usage }))
        }
        UsedCommand::LimitsOfKey { id } => Call::get(path(&["keys", &id, "limits"]), limits),
        UsedCommand::Account { which, question } => {
            Call::get(asked(&["accounts", &which, "usage"], &question, &[]), |usage| {
                Reply::Used(UsedReply::Account { usage })
            })
        }
        UsedCommand::LimitsOfAccount { which } => Call::get(path(&["accounts", &which, "limits"]), limits),
    }
}
