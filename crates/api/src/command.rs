//! Commands as values: what the command line asks of a running server, or of the store alone, in the same words.

use keyward_engine::change::KeyChange;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::audit::{self, AuditQuestion, AuditReport, AuditView, HeadView, SealedView};
use crate::decisions::explain::DecidedView;
use crate::decisions::overview::{self, Overview};
use crate::decisions::used_command::{self, UsedCommand, UsedReply};
use crate::decisions::{self, DecisionQuestion, DecisionView};
use crate::explain::{self, Explanation, Question};
use crate::failure::Failure;
use crate::in_force::RunningView;
use crate::keys::overlaps::Ending;
use crate::keys::setting::KeySetting;
use crate::keys::{self, ChangedKey, KeyQuestion, NewKey};
use crate::nodes::{self, NodeShown};
use crate::origin::Origin;
use crate::people;
use crate::people::accounts::{AccountView, ChangedAccount};
use crate::people::command::{PeopleCommand, PeopleReply};
use crate::people::plans::{self, PlanView};
use crate::people::roles::{self, RoleView};
use crate::people::users::{ChangedUser, UserView};
use crate::service::Service;
use crate::sessions::SessionView;
use crate::sessions::token_command::{self, RevokedToken, TokenCommand, TokenView};
use crate::signing_keys::{self, ChangedSigningKey, SigningKeyView};
use crate::view::{CreatedKey, KeyView, Listing, ReceiptView};
use crate::{backup, budgets, fields};

/// What to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "camelCase")]
pub enum Command {
    /// Make a key.
    CreateKey {
        /// Which.
        key: NewKey,
    },
    /// List keys.
    ListKeys {
        /// Which.
        #[serde(default)]
        question: KeyQuestion,
        /// Where to go on.
        cursor: Option<String>,
        /// How many at most.
        limit: u32,
    },
    /// Show one key.
    ShowKey {
        /// Its id.
        id: String,
    },
    /// Replace a key.
    RotateKey {
        /// Its id.
        id: String,
        /// How long the old one goes on.
        #[serde(flatten)]
        ending: Ending,
    },
    /// Pause a key.
    DisableKey {
        /// Its id.
        id: String,
    },
    /// End a pause.
    EnableKey {
        /// Its id.
        id: String,
    },
    /// End a key for ever.
    RevokeKey {
        /// Its id.
        id: String,
        /// Why.
        reason: Option<String>,
    },
    /// Change the budget of a key and its line.
    BudgetKey {
        /// Its id.
        id: String,
        /// `+500`, `=500`, `=1000/30d` or `none`.
        change: String,
    },
    /// Say something else of a key.
    SetKey(KeySetting),
    /// List records of the audit log.
    ListAudit {
        /// Which.
        question: AuditQuestion,
    },
    /// Read records of the audit log with their seals, in order.
    ReadAudit {
        /// After this number.
        after: u64,
    },
    /// Verify the audit log.
    VerifyAudit {
        /// A head that was kept elsewhere.
        head: Option<HeadView>,
    },
    /// Say which configuration runs.
    ShowConfiguration,
    /// List decisions.
    ListDecisions {
        /// Which.
        question: DecisionQuestion,
    },
    /// Something about what was used.
    Used(UsedCommand),
    /// Show the figures of the last time.
    Overview {
        /// `1h`, `24h`, `7d` or `30d`.
        span: String,
    },
    /// Explain a decision that was made.
    ExplainDecision {
        /// Its id.
        id: String,
    },
    /// Explain a request.
    Explain {
        /// Which.
        question: Question,
    },
    /// Copy the store, for a backup.
    CopyStore {
        /// The file that the backup goes to, for the record.
        target: String,
    },
    /// Something about users or accounts.
    People(PeopleCommand),
    /// Something about one token.
    Token(TokenCommand),
    /// Say how the nodes are that serve.
    ListNodes,
    /// List the roles of the configuration.
    ListRoles,
    /// List the plans of the configuration.
    ListPlans,
    /// List signing keys.
    ListSigningKeys,
    /// Make the next signing key.
    RotateSigningKey {
        /// Whether it signs at once, or is announced first.
        at_once: bool,
    },
    /// End what a signing key signed.
    RetireSigningKey {
        /// Its id.
        id: String,
    },
}

/// What came of it.
#[derive(Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "camelCase")]
pub enum Reply {
    /// A key was made; for a rotation with the receipt of the old one's end.
    Created {
        /// The new key with its text.
        key: Box<CreatedKey>,
        /// How far the change of the old key has come.
        receipt: Option<ReceiptView>,
    },
    /// A page of keys.
    Keys {
        /// The page.
        listing: Listing<KeyView>,
    },
    /// One key.
    Key {
        /// The key.
        key: Box<KeyView>,
    },
    /// A key was changed.
    Changed {
        /// The key and the receipt.
        key: Box<ChangedKey>,
    },
    /// A page of the audit log.
    Audit {
        /// The page.
        listing: Listing<AuditView>,
    },
    /// Records of the audit log with their seals.
    AuditPart {
        /// The records; none: that was all.
        records: Vec<SealedView>,
        /// The head.
        head: Option<HeadView>,
    },
    /// The audit log was verified.
    AuditVerified {
        /// What was found.
        report: AuditReport,
    },
    /// Which configuration runs.
    Configuration {
        /// Its number and since when.
        running: RunningView,
        /// Its values, as `config show` shows them.
        values: serde_json::Value,
    },
    /// A page of decisions.
    Decisions {
        /// The page.
        listing: Listing<DecisionView>,
    },
    /// What was used, and what is left.
    Used(UsedReply),
    /// The figures of the last time.
    Figures {
        /// All of them.
        overview: Box<Overview>,
    },
    /// A decision was explained.
    Decided {
        /// How.
        decided: DecidedView,
    },
    /// A request was explained.
    Explained {
        /// How.
        explanation: Explanation,
    },
    /// A user was made.
    UserAdded {
        /// The user.
        user: UserView,
    },
    /// The store was copied.
    StoreCopied {
        /// The folder that the copy is in, inside the data directory. Whoever asked removes it.
        folder: String,
    },
    /// A page of sessions.
    Sessions {
        /// The page.
        listing: Listing<SessionView>,
    },
    /// What is said of users and accounts alone.
    People(PeopleReply),
    /// A page of users.
    Users {
        /// The page.
        listing: Listing<UserView>,
    },
    /// A user was changed.
    UserChanged {
        /// The user and the receipt.
        user: ChangedUser,
    },
    /// An account was made.
    AccountAdded {
        /// The account.
        account: AccountView,
    },
    /// A page of accounts.
    Accounts {
        /// The page.
        listing: Listing<AccountView>,
    },
    /// An account was changed.
    AccountChanged {
        /// The account and the receipt.
        account: ChangedAccount,
    },
    /// One user.
    User {
        /// The user.
        user: UserView,
    },
    /// One account.
    Account {
        /// The account.
        account: AccountView,
    },
    /// A token was ended with its session.
    TokenRevoked {
        /// The session and the receipt.
        session: RevokedToken,
    },
    /// What a token is worth.
    Token {
        /// The token.
        token: TokenView,
    },
    /// The nodes that serve.
    Nodes(Listing<NodeShown>),
    /// The roles.
    Roles(Listing<RoleView>),
    /// The plans.
    Plans(Listing<PlanView>),
    /// The signing keys.
    SigningKeys {
        /// All of them.
        listing: Listing<SigningKeyView>,
    },
    /// A signing key was made or retired.
    SigningKeyChanged {
        /// The key and the receipt.
        key: ChangedSigningKey,
    },
    /// Nothing was done.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// Carries out a command as an operator.
pub async fn run(service: &Service, command: Command) -> Reply {
    carry_out(service, command).await.unwrap_or_else(|failure| Reply::Failed { failure })
}

async fn carry_out(service: &Service, command: Command) -> Result<Reply, Failure> {
    let actor = Actor::Operator;
    let at = service.now().wall;
    let (id, change) = match command {
        Command::CreateKey { key } => {
            let key = Box::new(keys::create(service, actor, &key).await?);
            return Ok(Reply::Created { key, receipt: None });
        }
        Command::ListKeys { question, cursor, limit } => {
            let page = (cursor.as_deref(), limit);
            return Ok(Reply::Keys { listing: keys::list(service, actor, &question, page).await? });
        }
        Command::ShowKey { id } => return Ok(Reply::Key { key: Box::new(keys::show(service, actor, &id).await?) }),
        Command::RotateKey { id, ending } => {
            let (key, receipt) = keys::rotate(service, actor, &id, &ending).await?;
            return Ok(Reply::Created { key: Box::new(key), receipt: Some(receipt) });
        }
        Command::BudgetKey { id, change } => {
            let key = budgets::change_of_key(service, actor, &id, &change).await?;
            return Ok(Reply::Changed { key: Box::new(key) });
        }
        Command::ListAudit { question } => {
            return Ok(Reply::Audit { listing: audit::list(service, &question).await? });
        }
        Command::ReadAudit { after } => {
            let (records, head) = audit::read(service, after).await?;
            return Ok(Reply::AuditPart { records, head });
        }
        Command::VerifyAudit { head } => {
            return Ok(Reply::AuditVerified { report: audit::verify(service, head.as_ref()).await? });
        }
        Command::ShowConfiguration => {
            let configuration = service.configuration();
            return Ok(Reply::Configuration { running: configuration.view(), values: configuration.values.clone() });
        }
        Command::ListDecisions { question } => {
            return Ok(Reply::Decisions { listing: decisions::list(service, &question).await? });
        }
        Command::Used(command) => return Ok(Reply::Used(used_command::carry_out(service, command).await?)),
        Command::Overview { span } => {
            return Ok(Reply::Figures { overview: Box::new(overview::look(service, &span).await?) });
        }
        Command::ExplainDecision { id } => {
            return Ok(Reply::Decided { decided: decisions::explain::explain(service, &id).await? });
        }
        Command::Explain { question } => {
            return Ok(Reply::Explained { explanation: explain::explain(service, &question).await? });
        }
        Command::CopyStore { target } => {
            return Ok(Reply::StoreCopied { folder: backup::copy(service, &target).await? });
        }
        Command::People(command) => return people::command::carry_out(service, command).await,
        Command::Token(TokenCommand::Inspect { text }) => {
            return Ok(Reply::Token { token: token_command::inspect(service, &text).await? });
        }
        Command::Token(TokenCommand::Revoke { text }) => {
            let session = token_command::revoke(service, &text, &Origin::operator(service)).await?;
            return Ok(Reply::TokenRevoked { session });
        }
        Command::ListNodes => return Ok(Reply::Nodes(nodes::list(service).await)),
        Command::ListRoles => return Ok(Reply::Roles(roles::list(service))),
        Command::ListPlans => return Ok(Reply::Plans(plans::list(service))),
        Command::ListSigningKeys => return Ok(Reply::SigningKeys { listing: signing_keys::list(service).await? }),
        Command::RotateSigningKey { at_once } => {
            let key = signing_keys::rotate(service, at_once, &Origin::operator(service)).await?;
            return Ok(Reply::SigningKeyChanged { key });
        }
        Command::RetireSigningKey { id } => {
            let key = signing_keys::retire(service, &id, &Origin::operator(service)).await?;
            return Ok(Reply::SigningKeyChanged { key });
        }
        Command::DisableKey { id } => (id, KeyChange::Disable(at)),
        Command::EnableKey { id } => (id, KeyChange::Enable),
        Command::SetKey(setting) => setting.read()?,
        Command::RevokeKey { id, reason } => {
            (id, KeyChange::Revoke(at, reason.as_deref().map(fields::reason).transpose()?))
        }
    };
    Ok(Reply::Changed { key: Box::new(keys::change(service, actor, &id, &change).await?) })
}
