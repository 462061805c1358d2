//! What operations work with: the store, the clock, chance, the rules in force, and the node that feels a change.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use keyward_core::digest::MacKey;
use keyward_core::plan::Terms;
use keyward_core::time::{Now, Timestamp};
use keyward_engine::audit::{Action, AuditEvent};
use keyward_engine::decisions::Decisions;
use keyward_engine::limits::Cells;
use keyward_engine::pending::Pending;
use keyward_engine::people::AccountRecord;
use keyward_engine::ports::{Clock, FeedHead, Random, Store, StoreError};
use keyward_engine::refresher::Refresher;
use keyward_engine::throttle::Throttle;

use crate::audit::Sealer;
use crate::in_force::{Configuration, InForce};
use crate::nodes::Serving;
use crate::portal;
use crate::pulse::Pulse;
use crate::sessions::tokens::Signing;
use crate::sign_in::attempts::Attempts;
use crate::sign_in::passwords::PasswordPool;
use crate::sign_in::tickets::Tickets;
use crate::signing_keys::opener::Opener;
use crate::view::ReceiptView;

/// The name of the first user, the default owner of keys.
pub const ADMIN: &str = "admin";

/// All that an operation needs. One per process, shared by endpoints, commands and the admin port.
pub struct Service {
    /// Where records are.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids and keys come from.
    pub random: Arc<dyn Random>,
    /// The key of keyed tags.
    pub tag_key: MacKey,
    /// The configuration in force.
    pub in_force: InForce,
    /// The node that serves beside these operations; `None` when a command works on the store alone.
    pub refresher: Option<Arc<Refresher>>,
    /// The key of the audit log's seals, and where its head is kept.
    pub sealer: Sealer,
    /// What callers used of their limits; `None` when a command works on the store alone.
    pub limits: Option<Arc<Cells>>,
    /// What is kept of decisions; `None` where nothing is.
    pub decisions: Option<Arc<dyn Decisions>>,
    /// What it cannot tell of yet.
    pub pending: Arc<Pending>,
    /// Whether the store answers.
    pub pulse: Pulse,
    /// Where passwords are hashed and checked.
    pub passwords: PasswordPool,
    /// What opens the signing keys.
    pub opener: Arc<Opener>,
    /// What signs tokens; not there where a command works on the store alone.
    pub signing: OnceLock<Signing>,
    /// What the process knows of itself; not there where a command works on the store alone.
    pub serving: OnceLock<Serving>,
    /// Wrong credentials, and who has to wait for them.
    pub throttle: Arc<Throttle>,
    /// The pages of the portal.
    pub portal_files: portal::Files,
    /// Sign-ins that wait for a code.
    pub tickets: Tickets,
    /// Failed attempts that are in no record yet.
    pub attempts: Attempts,
    /// The file that the first password was written to, if the first start wrote one.
    pub initial_password: Option<PathBuf>,
}

impl Service {
    /// Both clocks.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// A random id: a word that says of what, and 128 bits in base 62.
    pub fn new_id(&self, word: &str) -> Box<str> {
        new_id(word, &*self.random)
    }

    /// The configuration in force now.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.in_force.now()
    }

    /// Waits until a change is felt, and says where.
    pub async fn receipt(&self, change: FeedHead, committed: Now) -> ReceiptView {
        match &self.refresher {
            Some(refresher) => ReceiptView::of(&refresher.receipt(change, committed.monotonic).await),
            None => ReceiptView { nodes: Vec::new() },
        }
    }
}

/// A password made here: 22 characters in base 62 (131 bits).
pub fn new_secret_text(random: &dyn Random) -> String {
    new_id("", random).trim_start_matches('_').to_owned()
}

/// A random id: a word that says of what, and 22 characters in base 62 (131 bits).
pub fn new_id(word: &str, random: &dyn Random) -> Box<str> {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut id = format!("{word}_");
    let mut bytes = [0_u8; 64];
    while id.len() < word.len() + 1 + 22 {
        random.fill(&mut bytes);
        // Bytes of 248 and above are dropped: 248 is the largest multiple of 62, so that no digit is favoured.
        let digits = bytes.iter().filter(|byte| **byte < 248).filter_map(|byte| ALPHABET.get(usize::from(byte % 62)));
        let missing = word.len() + 1 + 22 - id.len();
        id.extend(digits.take(missing).copied().map(char::from));
    }
    id.into()
}

/// What the audit log says of the first user.
pub fn first_user_event(user: &keyward_engine::ports::NewUser) -> AuditEvent {
    AuditEvent {
        at: user.created_at,
        actor: "system".into(),
        action: Action::UserCreated,
        subject: user.id.clone(),
        client: None,
        decision: None,
        detail: vec![("username", user.username.clone()), ("roles", user.roles.join(" ").into())],
    }
}

/// The first user: made once when a store is new, so that keys have an owner.
pub fn first_user(random: &dyn Random, at: Timestamp) -> keyward_engine::ports::NewUser {
    keyward_engine::ports::NewUser {
        id: new_id("user", random),
        username: ADMIN.into(),
        roles: vec!["admin".into(), "operator".into()],
        account: None,
        external_id: None,
        password: None,
        created_at: at,
    }
}

/// The account of users who are made without one: its id, made where it is missing.
///
/// # Errors
/// The store does not answer.
pub async fn ensure_account(
    store: &dyn Store,
    name: &str,
    random: &dyn Random,
    at: Timestamp,
) -> Result<Box<str>, StoreError> {
    let found = store.accounts_called(name).await?.into_iter().find(|account| *account.name == *name);
    if let Some(account) = found {
        return Ok(account.id);
    }
    let account = AccountRecord {
        id: new_id("acc", random),
        name: name.into(),
        external_id: None,
        created_at: at,
        disabled_at: None,
        allowed_ips: Vec::new(),
        terms: Terms::default(),
    };
    let event = AuditEvent {
        at,
        actor: "system".into(),
        action: Action::AccountCreated,
        subject: account.id.clone(),
        client: None,
        decision: None,
        detail: vec![("name", account.name.clone())],
    };
    store.insert_account(&account, &event).await?;
    Ok(account.id)
}
