//! Cases about users, accounts, sessions and signing keys.

use std::sync::Arc;

use keyward_core::address::IpNet;
use keyward_core::algorithm::Algorithm;
use keyward_core::api_key::OwningAccount;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::plan::Terms;
use keyward_core::session::SessionRecord;
use keyward_engine::factors::{Begun, Proof};
use keyward_engine::people::{
    AccountChange, AccountRecord, Bearer, Changed, Made, NewRefreshToken, PasswordHash, ShownRefreshToken, Spent,
    Unfit, UserChange,
};
use keyward_engine::ports::{Change, FeedHead, JoinedSession, NewUser, Store};
use keyward_engine::signing::SigningKeyRecord;

use super::Home;
use super::factors::proof;
use super::fixtures::{OTHER, OWNER, at, event, fresh, key, session, state, user};

/// A hash that no password has; stores do not look into it.
pub fn hash(text: &str) -> PasswordHash {
    PasswordHash(format!("$argon2id${text}").into())
}

pub fn account(id: &str) -> AccountRecord {
    AccountRecord {
        id: id.into(),
        name: format!("name of {id}").into(),
        external_id: Some(format!("ref of {id}").into()),
        created_at: at(1),
        disabled_at: None,
        allowed_ips: Vec::new(),
        terms: Terms::default(),
    }
}

/// A refresh token of some text, made at a time and good for a while.
pub fn refresh(text: &str, created_at: i64) -> NewRefreshToken {
    NewRefreshToken {
        digest: ApiKeyDigest::of(text.as_bytes()),
        created_at: at(created_at),
        expires_at: at(created_at + 100),
    }
}

/// A refresh token that somebody shows.
pub fn shown<'a>(
    digest: &'a ApiKeyDigest,
    bearer: Bearer<'a>,
    successor: &'a NewRefreshToken,
) -> ShownRefreshToken<'a> {
    ShownRefreshToken { digest, bearer, successor }
}

pub fn signing_key(id: &str) -> SigningKeyRecord {
    SigningKeyRecord {
        id: id.into(),
        algorithm: Algorithm::EdDsa,
        public: Some([3; 32].into()),
        sealed: vec![1, 2, 3].into(),
        created_at: at(4),
        active_at: at(4),
        retired_at: None,
    }
}

/// A place whose first user belongs to an account, has a password and has begun a session.
pub async fn signed_in<H: Home>() -> (H, Arc<dyn Store>) {
    let (home, store) = fresh::<H>().await;
    store.insert_account(&account("acc_1"), &event()).await.unwrap();
    let member = NewUser { account: Some("acc_1".into()), password: Some(hash("a")), ..user("user_member") };
    store.insert_user(&member, &event()).await.unwrap();
    store.change_user(OWNER, &UserChange::Password(at(2), hash("a")), &event()).await.unwrap();
    let begun = store.begin_session(&session("ses_1"), &proof("a"), &refresh("first", 5), &event()).await.unwrap();
    assert_eq!(begun.done().unwrap().session, session("ses_1"));
    (home, store)
}

pub(super) async fn spend(store: &dyn Store, text: &str, successor: &str, now: i64) -> Spent {
    let digest = ApiKeyDigest::of(text.as_bytes());
    let successor = refresh(successor, now);
    store.spend_refresh_token(&shown(&digest, Bearer::User, &successor), &|_| Ok(()), &event()).await.unwrap()
}

/// Shows a refresh token of a session that may not be carried on.
async fn unfit(store: &dyn Store, text: &str) -> Spent {
    let digest = ApiKeyDigest::of(text.as_bytes());
    let (successor, unfit) = (refresh("unfit", 8), |_: &JoinedSession| Err(Unfit::TooManyScopes));
    store.spend_refresh_token(&shown(&digest, Bearer::User, &successor), &unfit, &event()).await.unwrap()
}

async fn ended(store: &dyn Store, id: &str) -> Option<Box<str>> {
    store.find_sessions(&[id.into()]).await.unwrap().sessions.remove(0).unwrap().session.ended_reason
}

pub async fn names_are_their_own_and_lead_to_their_record<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let before = state(&*store).await;
    let mut same_name = user("user_x");
    same_name.username = user(OWNER).username;
    assert_eq!(store.insert_user(&same_name, &event()).await.unwrap(), Made::Taken);
    assert_eq!(state(&*store).await, before, "what is taken leaves nothing, not even an event");
    store.insert_account(&account("acc_1"), &event()).await.unwrap();
    let mut other = account("acc_2");
    other.external_id = account("acc_1").external_id;
    assert_eq!(store.insert_account(&other, &event()).await.unwrap(), Made::Taken);
    let terms =
        Terms { plan: Some("big".into()), limits: vec!["10/1m".parse().unwrap()], budget: Some("7".parse().unwrap()) };
    let planned = AccountRecord { terms, ..account("acc_planned") };
    store.insert_account(&planned, &event()).await.unwrap();
    assert_eq!(store.accounts_called("acc_planned").await.unwrap(), [planned]);
    let full = NewUser {
        account: Some("acc_1".into()),
        external_id: Some("ref".into()),
        password: Some(hash("a")),
        ..user("user_full")
    };
    let Made::Done(made) = store.insert_user(&full, &event()).await.unwrap() else { panic!("not made") };
    assert_eq!(
        (&made.password, made.owner.account.as_ref().map(|account| &*account.id)),
        (&Some(hash("a")), Some("acc_1"))
    );
    for who in ["user_full", "user_full@example.com", "ref"] {
        assert_eq!(store.users_called(who).await.unwrap(), std::slice::from_ref(&made), "{who}");
    }
    for which in ["acc_1", "name of acc_1", "ref of acc_1"] {
        assert_eq!(store.accounts_called(which).await.unwrap(), [account("acc_1")], "{which}");
    }
    // Who is called like somebody else's reference is found by name alone where a name is meant.
    let trap = NewUser { external_id: Some(full.username.clone()), ..user("user_trap") };
    store.insert_user(&trap, &event()).await.unwrap();
    assert_eq!(store.users_called(&full.username).await.unwrap().len(), 2);
    assert_eq!(store.find_user(&full.username).await.unwrap().unwrap().owner.id, full.id);
    assert_eq!((store.find_user("nobody").await.unwrap(), store.find_user("ref").await.unwrap()), (None, None));
    assert!(store.users_called("nobody").await.unwrap().is_empty());
    assert!(store.accounts_called("none").await.unwrap().is_empty());
    let nowhere = NewUser { account: Some("acc_none".into()), ..user("user_nowhere") };
    store.insert_user(&nowhere, &event()).await.unwrap_err();
}

pub async fn changes_of_people_are_told_and_repeating_one_writes_nothing<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    let mut kept = key("key_1", OTHER, 3);
    kept.account = Some("acc_1".into());
    store.insert_api_key(&kept, &event()).await.unwrap();
    let changes = [UserChange::Disable(at(9)), UserChange::Enable, UserChange::Roles(vec!["x".into()])];
    for change in changes {
        for told in [1, 0] {
            let before = state(&*store).await;
            let Changed::Done(head, changed) = store.change_user(OTHER, &change, &event()).await.unwrap() else {
                panic!("{change:?} was not done")
            };
            let after = state(&*store).await;
            assert_eq!((head.position, after.position), (before.position + told, head.position), "{change:?}");
            assert_eq!(after.events.len() as u64, before.events.len() as u64 + told, "{change:?}");
            assert_eq!(store.api_key("key_1").await.unwrap().unwrap().owner, changed.owner, "{change:?}");
        }
    }
    // A hash that is made anew replaces the one that was verified and no other.
    let renew = |from: &str| UserChange::Renew { from: hash(from), to: hash("renewed") };
    store.change_user(OTHER, &UserChange::Password(at(9), hash("theirs")), &event()).await.unwrap();
    for (from, told) in [("another", 0), ("theirs", 1), ("theirs", 0)] {
        let before = state(&*store).await;
        let Changed::Done(head, _) = store.change_user(OTHER, &renew(from), &event()).await.unwrap() else {
            panic!("no such user")
        };
        assert_eq!(head.position, before.position + told, "from {from}");
    }
    assert_eq!(store.users_called(OTHER).await.unwrap().remove(0).password, Some(hash("renewed")));
    let listed: Vec<IpNet> = vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/48".parse().unwrap()];
    let big = Terms { plan: Some("big".into()), ..Terms::default() };
    let own = Terms { limits: vec!["10/1m".parse().unwrap(), "9/30d".parse().unwrap()], ..Terms::default() };
    let bounded = Terms { budget: Some("1000/30d".parse().unwrap()), ..Terms::default() };
    let none = Terms::default();
    for (change, paused, allowed, terms) in [
        (AccountChange::Disable(at(9)), Some(at(9)), &[][..], &none),
        (AccountChange::Enable, None, &[], &none),
        (AccountChange::Addresses(listed.clone()), None, &listed, &none),
        (AccountChange::Addresses(Vec::new()), None, &[], &none),
        (AccountChange::Plan(Some("big".into())), None, &[], &big),
        (AccountChange::Plan(None), None, &[], &none),
        (AccountChange::Limits(own.limits.clone()), None, &[], &own),
        (AccountChange::Limits(Vec::new()), None, &[], &none),
        (AccountChange::Budget(bounded.budget), None, &[], &bounded),
        (AccountChange::Budget(None), None, &[], &none),
    ] {
        for told in [1, 0] {
            let before = state(&*store).await.position;
            let Changed::Done(head, _) = store.change_account("acc_1", &change, &event()).await.unwrap() else {
                panic!("{change:?} was not done")
            };
            assert_eq!(head.position, before + told);
            let joined = store.find(&[kept.digest]).await.unwrap().keys.remove(0).unwrap();
            let expected = OwningAccount {
                id: "acc_1".into(),
                disabled_at: paused,
                allowed_ips: allowed.to_vec(),
                terms: terms.clone(),
            };
            assert_eq!(joined.account, Some(expected.clone()), "{change:?}");
            let member = store.users_called("user_member").await.unwrap().remove(0);
            assert_eq!(member.owner.account, Some(expected), "{change:?}");
            assert_eq!(store.accounts_called("acc_1").await.unwrap().remove(0).allowed_ips, allowed, "{change:?}");
        }
    }
    let head = store.identity().await.unwrap().head;
    let changes = store.changes(FeedHead { position: head.position - 15, ..head }).await.unwrap().changes;
    let ancestors: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Ancestor(_, id) => Some(&**id),
            _ => None,
        })
        .collect();
    assert_eq!(ancestors, [[OTHER; 5].as_slice(), &["acc_1"; 10]].concat());
    assert_eq!(store.change_user("user_none", &UserChange::Enable, &event()).await.unwrap(), Changed::NotFound);
    assert_eq!(store.change_account("acc_none", &AccountChange::Enable, &event()).await.unwrap(), Changed::NotFound);
}

pub async fn a_session_begins_only_with_the_password_that_counts<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    let before = state(&*store).await;
    // The password was changed, or the user paused, while the old one was being verified.
    let begin = async |proof: Proof| {
        store.begin_session(&session("ses_2"), &proof, &refresh("second", 6), &event()).await.unwrap()
    };
    assert_eq!(begin(proof("old")).await, Begun::Stale);
    assert_eq!(state(&*store).await, before);
    store.change_user(OWNER, &UserChange::Disable(at(6)), &event()).await.unwrap();
    assert_eq!(begin(proof("a")).await, Begun::Stale);
    store.change_user(OWNER, &UserChange::Enable, &event()).await.unwrap();
    assert!(begin(proof("a")).await.done().is_some());
    let member = SessionRecord { user: "user_member".into(), ..session("ses_3") };
    store.change_account("acc_1", &AccountChange::Disable(at(7)), &event()).await.unwrap();
    let begun = store.begin_session(&member, &proof("a"), &refresh("third", 7), &event()).await.unwrap();
    assert_eq!(begun, Begun::Stale, "its account is paused");
}

pub async fn a_refresh_token_is_good_for_one_use<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    assert_eq!(spend(&*store, "nobody's", "x", 6).await, Spent::Unknown);
    // One that may not be carried on is not spent either.
    let unspent = state(&*store).await;
    assert_eq!(unfit(&*store, "first").await, Spent::Unfit("ses_1".into(), Unfit::TooManyScopes));
    assert_eq!(state(&*store).await, unspent);
    assert!(matches!(spend(&*store, "first", "second", 6).await, Spent::Done(_)));
    assert!(matches!(spend(&*store, "second", "third", 7).await, Spent::Done(_)));
    assert_eq!(ended(&*store, "ses_1").await, None);
    let before = state(&*store).await;
    let Spent::Reused(head, killed) = unfit(&*store, "first").await else { panic!("a second use passed") };
    let after = state(&*store).await;
    assert_eq!((head.position, after.position), (before.position + 1, head.position), "the end is told");
    assert_eq!(killed.session.ended_at, Some(at(8)));
    assert_eq!(after.events.len(), before.events.len() + 1, "the end is recorded");
    assert_eq!(ended(&*store, "ses_1").await.as_deref(), Some("refresh token reused"));
    for text in ["first", "second", "third", "fourth"] {
        let spent = spend(&*store, text, "x", 9).await;
        assert!(matches!(spent, Spent::Over(_) | Spent::Unknown), "{text}: {spent:?}");
    }
    assert_eq!(state(&*store).await, after, "what is over ends once");
}

pub async fn a_refresh_token_ends_with_its_time_and_its_session<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    assert_eq!(spend(&*store, "first", "x", 105).await, Spent::Expired("ses_1".into()));
    assert_eq!(
        spend(&*store, "first", "x", 106).await,
        Spent::Expired("ses_1".into()),
        "asking again is no second use"
    );
    assert!(matches!(spend(&*store, "first", "second", 104).await, Spent::Done(_)));
    for (change, reason) in
        [(UserChange::Password(at(9), hash("b")), "password changed"), (UserChange::Disable(at(9)), "user disabled")]
    {
        let (_home, store) = signed_in::<H>().await;
        store.change_user(OWNER, &change, &event()).await.unwrap();
        assert_eq!(ended(&*store, "ses_1").await.as_deref(), Some(reason));
        assert_eq!(spend(&*store, "first", "x", 10).await, Spent::Over("ses_1".into()));
        store.change_user(OWNER, &UserChange::Enable, &event()).await.unwrap();
        assert_eq!(
            spend(&*store, "first", "x", 11).await,
            Spent::Over("ses_1".into()),
            "{reason}: what ended does not come back"
        );
    }
    let (_home, store) = signed_in::<H>().await;
    for told in [1, 0] {
        let before = state(&*store).await.position;
        let Changed::Done(head, _) = store.end_session("ses_1", "signed out", &event()).await.unwrap() else {
            panic!("not ended")
        };
        assert_eq!(head.position, before + told);
        assert_eq!(ended(&*store, "ses_1").await.as_deref(), Some("signed out"));
    }
    assert_eq!(store.end_session("ses_none", "signed out", &event()).await.unwrap(), Changed::NotFound);
}

pub async fn of_many_uses_at_once_one_succeeds<H: Home>() {
    let (home, store) = signed_in::<H>().await;
    let other = home.open(Arc::default()).await;
    let uses: Vec<_> = (0..40)
        .map(|number| {
            let store = Arc::clone(if number % 2 == 0 { &store } else { &other });
            tokio::spawn(async move { spend(&*store, "first", &format!("successor {number}"), 6).await })
        })
        .collect();
    let (mut done, mut reused) = (0, 0);
    for one in uses {
        match one.await.unwrap() {
            Spent::Done(_) => done += 1,
            Spent::Reused(..) => reused += 1,
            Spent::Over(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((done, reused), (1, 1));
}

pub async fn signing_keys_come_back_and_are_told<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let before = store.identity().await.unwrap().head;
    let retired =
        SigningKeyRecord { retired_at: Some(at(9)), created_at: at(5), active_at: at(7), ..signing_key("sig_2") };
    store.insert_signing_key(&signing_key("sig_1"), &event()).await.unwrap();
    store.insert_signing_key(&retired, &event()).await.unwrap();
    assert_eq!(store.signing_keys().await.unwrap(), [signing_key("sig_1"), retired]);
    let changes = store.changes(before).await.unwrap().changes;
    assert!(matches!(changes[..], [Change::SigningKeys(_), Change::SigningKeys(_)]), "{changes:?}");
    for told in [1, 0] {
        let before = state(&*store).await;
        let Changed::Done(head, key) = store.retire_signing_key("sig_1", at(9), &event()).await.unwrap() else {
            panic!("not retired")
        };
        let after = state(&*store).await;
        assert_eq!((head.position, after.position), (before.position + told, head.position));
        assert_eq!(after.events.len() as u64, before.events.len() as u64 + told);
        assert_eq!(key, SigningKeyRecord { retired_at: Some(at(9)), ..signing_key("sig_1") });
        assert_eq!(store.signing_keys().await.unwrap().remove(0), key);
    }
    assert_eq!(store.retire_signing_key("sig_none", at(9), &event()).await.unwrap(), Changed::NotFound);
}

pub async fn signing_keys_keep_their_algorithm_and_a_public_half_of_any_length<H: Home>() {
    let (home, store) = fresh::<H>().await;
    let keys: Vec<SigningKeyRecord> = [Some(32), Some(65), Some(270), None]
        .into_iter()
        .zip(Algorithm::ALL)
        .map(|(length, algorithm)| SigningKeyRecord {
            algorithm,
            public: length.map(|length| vec![7; length].into()),
            ..signing_key(&format!("sig_{}", algorithm.name()))
        })
        .collect();
    for key in &keys {
        store.insert_signing_key(key, &event()).await.unwrap();
    }
    let mut kept = store.signing_keys().await.unwrap();
    kept.sort_by_key(|key| keys.iter().position(|one| one.id == key.id));
    assert_eq!(kept, keys);
    let nameless = SigningKeyRecord { public: None, ..signing_key("sig_without") };
    assert!(store.insert_signing_key(&nameless, &event()).await.is_err(), "only a symmetric key has no public half");
    drop(home);
}

pub async fn a_user_is_read_as_of_a_change<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    let (head, user) = store.user_as_of(OWNER).await.unwrap();
    assert_eq!(head, store.identity().await.unwrap().head);
    assert_eq!(user.unwrap().password, Some(hash("a")));
    store.change_user(OWNER, &UserChange::Password(at(9), hash("b")), &event()).await.unwrap();
    let (later, user) = store.user_as_of(OWNER).await.unwrap();
    assert!(later.position > head.position);
    assert_eq!(user.unwrap().password, Some(hash("b")));
    assert!(store.user_as_of("user_none").await.unwrap().1.is_none());
}

pub async fn sessions_come_in_the_order_of_their_ids<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    for id in ["ses_3", "ses_2", "ses_4"] {
        store.begin_session(&session(id), &proof("a"), &refresh(id, 9), &event()).await.unwrap().done().unwrap();
    }
    let first = store.sessions(None, "", 3).await.unwrap();
    let ids: Vec<&str> = first.iter().map(|session| &*session.id).collect();
    assert_eq!(ids, ["ses_1", "ses_2", "ses_3"]);
    assert_eq!(store.sessions(None, "ses_3", 3).await.unwrap(), [session("ses_4")]);
    assert_eq!(store.sessions(None, "ses_4", 3).await.unwrap(), []);
}
