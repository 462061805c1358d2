//! Users, keys, and all that a store shows of itself at one time.

use std::sync::Arc;

use keyward_core::api_key::{ApiKeyRecord, Owner};
use keyward_core::digest::ApiKeyDigest;
use keyward_core::plane::Plane;
use keyward_core::principal::Mode;
use keyward_core::session::SessionRecord;
use keyward_core::time::Timestamp;
use keyward_engine::audit::{Action, AuditEvent};
use keyward_engine::chain::AuditRecord;
use keyward_engine::factors::Factors;
use keyward_engine::links::Invitation;
use keyward_engine::people::{AccountRecord, UserRecord};
use keyward_engine::ports::{
    AccountFilter, AuditFilter, Change, FeedHead, Imported, Joined, JoinedSession, KeyFilter, KeyPage, NewUser, Page,
    Store, UserFilter,
};
use keyward_engine::signing::SigningKeyRecord;

use super::Home;

pub const OWNER: &str = "user_owner";
pub const OTHER: &str = "user_other";

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub fn user(id: &str) -> NewUser {
    NewUser {
        id: id.into(),
        username: format!("{id}@example.com").into(),
        roles: vec!["r".into()],
        account: None,
        external_id: None,
        password: None,
        created_at: at(1),
    }
}

/// An event; which one does not matter to the store.
pub fn event() -> AuditEvent {
    AuditEvent {
        at: at(7),
        actor: "operator".into(),
        action: Action::KeyCreated,
        subject: "key_1".into(),
        client: None,
        decision: None,
        detail: vec![("name", "a name".into())],
    }
}

/// A key with nothing optional, made at a time.
pub fn key(id: &str, owner: &str, created_at: i64) -> ApiKeyRecord {
    ApiKeyRecord {
        id: id.into(),
        owner: owner.into(),
        account: None,
        name: format!("name of {id}").into(),
        prefix: "kw_live_abcd".into(),
        digest: ApiKeyDigest::of(id.as_bytes()),
        secret: None,
        mode: Mode::Live,
        scopes: None,
        allowed_ips: Vec::new(),
        external_id: None,
        created_at: at(created_at),
        expires_at: None,
        last_used_at: None,
        disabled_at: None,
        revoked_at: None,
        revoked_reason: None,
        replaces: None,
        overlap_ends_at: None,
        line: None,
    }
}

pub fn session(id: &str) -> SessionRecord {
    SessionRecord {
        id: id.into(),
        user: OWNER.into(),
        created_at: at(5),
        ended_at: None,
        ended_reason: None,
        client: None,
        seen_at: None,
        plane: Plane::Data,
        portal: false,
        client_address: Some([192, 0, 2, 1].into()),
    }
}

/// A place with a store in it that knows two users.
pub async fn fresh<H: Home>() -> (H, Arc<dyn Store>) {
    let home = H::new();
    let store = home.open(Arc::default()).await;
    for id in [OWNER, OTHER] {
        store.ensure_user(&user(id), &event()).await.unwrap();
    }
    (home, store)
}

/// All that a store shows of itself, but for its epoch, which is random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub position: u64,
    pub keys: Vec<Joined>,
    pub told: Vec<(u64, Box<str>)>,
    pub newcomer: Option<Owner>,
    pub users: Vec<UserRecord>,
    pub accounts: Vec<AccountRecord>,
    pub sessions: Vec<Option<JoinedSession>>,
    /// Of both users.
    pub factors: [Factors; 2],
    /// By the tokens `invitation` and `another`.
    pub invitations: Vec<Option<Invitation>>,
    /// By the tokens `portal` and `another portal`.
    pub portal_links: Vec<Option<Owner>>,
    pub signing_keys: Vec<SigningKeyRecord>,
    /// Keys of others, and what was mixed into their hashes.
    pub imported: (Imported, Vec<Box<[u8]>>),
    /// What is written ahead for `a`, `b` and `c`.
    pub reserved: Vec<Option<(Timestamp, u32)>>,
    /// The events, and which of them are sealed.
    pub events: Vec<AuditRecord>,
}

/// What is written ahead of limit 7 for `a`, `b` and `c`.
pub async fn reserved(store: &dyn Store) -> Vec<Option<(Timestamp, u32)>> {
    store.reserved(&["a", "b", "c"].map(|subject| (7, subject.into()))).await.unwrap()
}

pub const NEWCOMER: &str = "user_newcomer";

pub async fn state(store: &dyn Store) -> State {
    let head = store.identity().await.unwrap().head;
    let changes = store.changes(FeedHead { epoch: head.epoch, position: 0 }).await.unwrap();
    assert!(!changes.lost, "a head without its feed rows, or the other way round");
    let told = changes.changes.iter().map(|change| match change {
        Change::ApiKey(position, joined) => (*position, joined.key.id.clone()),
        Change::Ancestor(position, id) => (*position, id.clone()),
        Change::ImportedKey(position, _) => (*position, "imported key".into()),
        Change::SigningKeys(position) => (*position, "signing keys".into()),
        Change::Unknown(position) => panic!("change {position} is told of a key that is not there"),
    });
    let mut invitations = Vec::new();
    for token in ["invitation", "another"] {
        invitations.push(store.invitation(&ApiKeyDigest::of(token.as_bytes())).await.unwrap());
    }
    let mut portal_links = Vec::new();
    for token in ["portal", "another portal"] {
        portal_links.push(store.portal_link(&ApiKeyDigest::of(token.as_bytes())).await.unwrap());
    }
    State {
        invitations,
        portal_links,
        position: head.position,
        keys: store.api_keys(&KeyFilter::default(), &KeyPage::first(1000)).await.unwrap(),
        told: told.collect(),
        newcomer: store.user(NEWCOMER).await.unwrap(),
        users: store.users(&UserFilter::default(), &Page { after: None, limit: 1000 }).await.unwrap(),
        accounts: store.accounts(&AccountFilter::default(), &Page { after: None, limit: 1000 }).await.unwrap(),
        sessions: store.find_sessions(&["ses_1".into(), "ses_2".into()]).await.unwrap().sessions,
        factors: [store.factors(OWNER).await.unwrap(), store.factors(OTHER).await.unwrap()],
        signing_keys: store.signing_keys().await.unwrap(),
        imported: (store.imported_keys().await.unwrap(), store.peppers().await.unwrap()),
        reserved: reserved(store).await,
        events: store
            .audit(&AuditFilter { limit: 1000, ..AuditFilter::default() })
            .await
            .unwrap()
            .into_iter()
            .map(|(_, record)| record.unwrap())
            .collect(),
    }
}
