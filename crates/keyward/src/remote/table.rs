//! Which call of the admin API each command is.

use http::Method;
use keyward_api::audit::HeadView;
use keyward_api::command::{Command, Reply};
use keyward_api::in_force::RunningView;
use keyward_api::keys::setting::KeySetting;
use keyward_api::sessions::token_command::TokenCommand;
use keyward_api::view::{CreatedKey, ReceiptView};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, asked, body, path};
use super::people;
use super::used;

/// A key that replaces another.
#[derive(Deserialize)]
struct Rotated {
    #[serde(flatten)]
    key: Box<CreatedKey>,
    receipt: ReceiptView,
}

/// The head of the audit log.
#[derive(Deserialize)]
struct Kept {
    head: Option<HeadView>,
}

/// The configuration that runs.
#[derive(Deserialize)]
struct Running {
    #[serde(flatten)]
    view: RunningView,
    values: Vec<Set>,
}

/// One value of it.
#[derive(Deserialize)]
struct Set {
    name: String,
    value: Value,
    origin: String,
}

/// The call that a command is; `None` for what is done on the machine of the data directory alone.
pub fn call(command: Command) -> Option<Call> {
    let changed = |verb: &str, id: &str, sent| {
        Call::change(path(&["keys", id, verb]), sent, "key", |key| Reply::Changed { key: Box::new(key) })
    };
    let set = |id: &str, sent| {
        let reply = |key| Reply::Changed { key: Box::new(key) };
        Call::change(path(&["keys", id]), Some(sent), "key", reply).by(Method::PATCH)
    };
    Some(match command {
        Command::CreateKey { key } => {
            Call::post(path(&["keys"]), body(&key), |key| Reply::Created { key: Box::new(key), receipt: None })
        }
        Command::ListKeys { question, cursor, limit } => {
            let more = [("cursor", cursor), ("limit", Some(limit.to_string()))];
            Call::get(asked(&["keys"], &question, &more), |listing| Reply::Keys { listing })
        }
        Command::ShowKey { id } => Call::get(path(&["keys", &id]), |key| Reply::Key { key: Box::new(key) }),
        Command::RotateKey { id, ending } => {
            Call::post(path(&["keys", &id, "rotate"]), body(&ending), |made: Rotated| Reply::Created {
                key: made.key,
                receipt: Some(made.receipt),
            })
        }
        Command::DisableKey { id } => changed("disable", &id, None),
        Command::EnableKey { id } => changed("enable", &id, None),
        Command::RevokeKey { id, reason } => changed("revoke", &id, body(&json!({ "reason": reason }))),
        Command::BudgetKey { id, change } => changed("budget", &id, body(&json!({ "change": change }))),
        Command::SetKey(KeySetting::Name { id, name }) => set(&id, json!({ "name": name })),
        Command::SetKey(KeySetting::Metadata { id, metadata }) => set(&id, json!({ "metadata": metadata })),
        Command::ListAudit { question } => {
            Call::get(asked(&["audit"], &question, &[]), |listing| Reply::Audit { listing })
        }
        Command::VerifyAudit { head } => {
            Call::post(path(&["audit", "verify"]), body(&json!({ "head": head })), |report| Reply::AuditVerified {
                report,
            })
        }
        Command::ListDecisions { question } => {
            Call::get(asked(&["decisions"], &question, &[]), |listing| Reply::Decisions { listing })
        }
        Command::Overview { span } => {
            Call::get(asked(&["overview"], &json!({ "span": span }), &[]), |overview| Reply::Figures { overview })
        }
        Command::ExplainDecision { id } => Call::get(path(&["decisions", &id]), |decided| Reply::Decided { decided }),
        Command::Explain { question } => {
            Call::post(path(&["explain"]), body(&question), |explanation| Reply::Explained { explanation })
        }
        Command::People(command) => return people::call(command),
        Command::Used(command) => used::call(command),
        Command::Token(TokenCommand::Inspect { text }) => {
            Call::post(path(&["tokens", "inspect"]), body(&json!({ "token": text })), |token| Reply::Token { token })
        }
        Command::Token(TokenCommand::Revoke { text }) => {
            let sent = body(&json!({ "token": text }));
            Call::change(path(&["tokens", "revoke"]), sent, "session", |session| Reply::TokenRevoked { session })
        }
        Command::ListNodes => Call::get(path(&["nodes"]), Reply::Nodes),
        Command::ListRoles => Call::get(path(&["roles"]), Reply::Roles),
        Command::ListPlans => Call::get(path(&["plans"]), Reply::Plans),
        Command::ListSigningKeys => Call::get(path(&["signing-keys"]), |listing| Reply::SigningKeys { listing }),
        Command::RotateSigningKey { at_once } => {
            let sent = body(&json!({ "atOnce": at_once }));
            Call::change(path(&["signing-keys", "rotate"]), sent, "signingKey", |key| Reply::SigningKeyChanged { key })
        }
        Command::RetireSigningKey { id } => {
            let target = path(&["signing-keys", &id, "retire"]);
            Call::change(target, None, "signingKey", |key| Reply::SigningKeyChanged { key })
        }
        Command::ShowConfiguration => Call::get(path(&["config"]), |running: Running| Reply::Configuration {
            running: running.view,
            values: running
                .values
                .into_iter()
                .map(|one| json!({ "path": one.name, "value": one.value, "origin": one.origin }))
                .collect(),
        }),
        Command::ReadAudit { after: u64::MAX } => {
            Call::get(path(&["audit", "head"]), |Kept { head }| Reply::AuditPart { records: Vec::new(), head })
        }
        // Records with their seals come as one stream there; a copy of the store leaves no machine by this way.
        Command::ReadAudit { .. } | Command::CopyStore { .. } => return None,
    })
}
