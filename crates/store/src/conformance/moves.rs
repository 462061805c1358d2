//! Cases about users who come to another account, about references that are one's own, and about what is kept beside a key.

use std::sync::Arc;

use keyward_core::api_key::ApiKeyRecord;
use keyward_core::digest::ApiKeyDigest;
use keyward_engine::change::{KeyChange, Refusal};
use keyward_engine::people::{AccountChange, AccountRecord, Changed, Obstacle, UserChange, UserRecord};
use keyward_engine::ports::{Change, FeedHead, KeyFilter, KeyPage, Metadata, NewUser, Outcome, SessionsBy, Store};

use super::Home;
use super::clients::client_session;
use super::cookies::cookie_session;
use super::factors::proof;
use super::fixtures::{OTHER, OWNER, at, event, fresh, key, state, user};
use super::links;
use super::people::{account, refresh, signed_in};

fn into(account: Option<&str>) -> UserChange {
    UserChange::Account(at(9), account.map(Into::into))
}

async fn change(store: &dyn Store, id: &str, change: &UserChange) -> Changed<UserRecord> {
    store.change_user(id, change, &event()).await.unwrap()
}

fn of(id: &str, account: Option<&str>, owner: &str) -> ApiKeyRecord {
    ApiKeyRecord { account: account.map(Into::into), ..key(id, owner, 3) }
}

pub async fn a_user_comes_to_another_account_with_its_keys<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    let second = AccountRecord { allowed_ips: vec!["192.0.2.0/24".parse().unwrap()], ..account("acc_2") };
    for one in [second.clone(), account("acc_3")] {
        store.insert_account(&one, &event()).await.unwrap();
    }
    for one in [
        of("key_own", None, OWNER),
        of("key_elsewhere", Some("acc_3"), OWNER),
        of("key_of_another", Some("acc_1"), "user_member"),
    ] {
        store.insert_api_key(&one, &event()).await.unwrap();
    }
    // to | where its own key is then
    for to in [Some("acc_1"), Some("acc_2"), None, Some("acc_2")] {
        for told in [1, 0] {
            let before = state(&*store).await;
            let Changed::Done(head, moved) = change(&*store, OWNER, &into(to)).await else {
                panic!("not moved to {to:?}")
            };
            let after = state(&*store).await;
            assert_eq!((head.position, after.position), (before.position + told, head.position), "{to:?}");
            assert_eq!(after.events.len() as u64, before.events.len() as u64 + told, "{to:?}");
            assert_eq!(store.users_called(OWNER).await.unwrap(), std::slice::from_ref(&moved));
            assert_eq!(moved.owner.account.as_ref().map(|account| &*account.id), to);
            let kept = async |id: &str| store.api_key(id).await.unwrap().unwrap();
            let own = kept("key_own").await;
            assert_eq!(
                (own.key.account.as_deref(), &own.account, &own.owner),
                (to, &moved.owner.account, &moved.owner)
            );
            assert_eq!(store.find(&[own.key.digest]).await.unwrap().keys, [Some(own)]);
            assert_eq!(kept("key_elsewhere").await.key.account.as_deref(), Some("acc_3"));
            assert_eq!(kept("key_of_another").await.key.account.as_deref(), Some("acc_1"));
        }
    }
    let moved = store.users_called(OWNER).await.unwrap().remove(0);
    assert_eq!(moved.owner.account.unwrap().allowed_ips, second.allowed_ips, "as the account is, not as it was called");
    assert_eq!(
        store.find_sessions(&["ses_1".into()]).await.unwrap().sessions[0].as_ref().unwrap().session.ended_at,
        None
    );
    // One change tells of the user, on whom everything of it rests.
    let head = store.identity().await.unwrap().head;
    let told = store.changes(FeedHead { position: head.position - 1, ..head }).await.unwrap().changes;
    assert!(matches!(&told[..], [Change::Ancestor(_, id)] if **id == *OWNER), "{told:?}");
    let unmoved = state(&*store).await;
    store.change_user(OWNER, &into(Some("acc_none")), &event()).await.unwrap_err();
    assert_eq!(state(&*store).await, unmoved, "no such account");
    assert_eq!(change(&*store, "user_none", &into(None)).await, Changed::NotFound);
    // A key that is replaced meanwhile has its successor where it is itself by now.
    let successor = ApiKeyRecord { replaces: Some("key_own".into()), ..of("key_next", Some("acc_1"), OWNER) };
    let replace = KeyChange::Replace { at: at(50), overlap_ends_at: at(90), quiet: None };
    store.rotate_api_key(None, &replace, &successor, &event()).await.unwrap();
    assert_eq!(store.api_key("key_next").await.unwrap().unwrap().key.account.as_deref(), Some("acc_2"));
}

pub async fn whoever_comes_to_a_paused_account_is_paused_with_it<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    store
        .begin_client_session(&client_session("ses_2", "key_1"), &refresh("second", 6), &event())
        .await
        .unwrap()
        .unwrap();
    store.change_account("acc_1", &AccountChange::Disable(at(7)), &event()).await.unwrap();
    let Changed::Done(_, moved) = change(&*store, OWNER, &into(Some("acc_1"))).await else { panic!("not moved") };
    assert!(moved.owner.is_paused());
    let ended = async || {
        let found = store.find_sessions(&["ses_1".into(), "ses_2".into()]).await.unwrap().sessions;
        found.into_iter().map(|joined| joined.unwrap().session.ended_reason).collect::<Vec<_>>()
    };
    let over: Vec<Option<Box<str>>> = vec![Some("account disabled".into()); 2];
    assert_eq!(ended().await, over);
    store.change_account("acc_1", &AccountChange::Enable, &event()).await.unwrap();
    assert_eq!(ended().await, over, "what ended does not come back");
}

pub async fn who_stands_for_an_account_in_the_portal_stays_with_it<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    store.insert_account(&account("acc_2"), &event()).await.unwrap();
    let portal = store.portal_user("acc_1", &links::portal_user("user_portal"), &event()).await.unwrap().unwrap();
    for to in [Some("acc_2"), None] {
        let before = state(&*store).await;
        assert_eq!(change(&*store, &portal.id, &into(to)).await, Changed::Refused(Obstacle::Bound), "{to:?}");
        assert_eq!(state(&*store).await, before);
    }
}

pub async fn a_reference_is_one_users_and_one_accounts_own<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let named = NewUser { external_id: Some("taken".into()), ..user("user_named") };
    store.insert_user(&named, &event()).await.unwrap();
    for one in ["acc_1", "acc_2"] {
        store.insert_account(&account(one), &event()).await.unwrap();
    }
    let to_user = |text: Option<&str>| UserChange::ExternalId(text.map(Into::into));
    let to_account = |text: Option<&str>| AccountChange::ExternalId(text.map(Into::into));
    let before = state(&*store).await;
    assert_eq!(change(&*store, OTHER, &to_user(Some("taken"))).await, Changed::Refused(Obstacle::Taken));
    let taken = store.change_account("acc_1", &to_account(Some("ref of acc_2")), &event()).await.unwrap();
    assert_eq!(taken, Changed::Refused(Obstacle::Taken));
    assert_eq!(state(&*store).await, before);
    for reference in [Some("mine"), Some("yours"), None] {
        for told in [1, 0] {
            let before = state(&*store).await.position;
            let Changed::Done(head, one) = change(&*store, OTHER, &to_user(reference)).await else { panic!("refused") };
            assert_eq!((head.position, one.external_id.as_deref()), (before + told, reference));
            assert_eq!(store.users_called(OTHER).await.unwrap(), [one]);
            let done = store.change_account("acc_1", &to_account(reference), &event()).await.unwrap();
            let Changed::Done(head, one) = done else { panic!("refused") };
            assert_eq!((head.position, one.external_id.as_deref()), (before + 2 * told, reference));
            assert_eq!(store.accounts_called("acc_1").await.unwrap(), [one]);
        }
    }
    // What was let go is there for others.
    store.change_user("user_named", &to_user(None), &event()).await.unwrap();
    assert!(matches!(change(&*store, OTHER, &to_user(Some("taken"))).await, Changed::Done(..)));
}

fn metadata(pairs: &[(&str, &str)]) -> Metadata {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

pub async fn what_is_kept_beside_a_key_is_for_operations_alone<H: Home>() {
    let (home, store) = fresh::<H>().await;
    let first = metadata(&[("team", "Ünï \"quoted\" 'name'"), ("empty", "")]);
    store.insert_api_key_with(&key("key_1", OWNER, 1), &first, &event()).await.unwrap();
    store.insert_api_key(&key("key_2", OWNER, 2), &event()).await.unwrap();
    let kept = async |id: &str| store.api_key(id).await.unwrap().unwrap().metadata;
    assert_eq!((kept("key_1").await, kept("key_2").await), (first.clone(), Metadata::new()));
    let second = metadata(&[("team", "billing")]);
    let change = KeyChange::Metadata(second.clone());
    for told in [1, 0] {
        let before = state(&*store).await;
        let Outcome::Done(head, joined) = store.change_api_key("key_1", None, &change, &event()).await.unwrap() else {
            panic!("not changed")
        };
        let after = state(&*store).await;
        assert_eq!((head.position, after.position), (before.position + told, head.position));
        assert_eq!(after.events.len() as u64, before.events.len() as u64 + told);
        assert_eq!((&joined.metadata, &kept("key_1").await), (&second, &second));
    }
    // Other changes leave it, and a successor has it, too.
    store.change_api_key("key_1", None, &KeyChange::Rename("other".into()), &event()).await.unwrap();
    let successor = ApiKeyRecord { replaces: Some("key_1".into()), ..key("key_3", OWNER, 3) };
    let replace = KeyChange::Replace { at: at(50), overlap_ends_at: at(90), quiet: None };
    store.rotate_api_key(None, &replace, &successor, &event()).await.unwrap();
    let listed = store.api_keys(&KeyFilter::default(), &KeyPage::first(10)).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|joined| (&*joined.key.id, joined.metadata.clone())).collect();
    assert_eq!(listed, [("key_3", second.clone()), ("key_2", Metadata::new()), ("key_1", second.clone())]);
    // Where decisions are made nothing of it is read.
    let digests = ["key_1", "key_3"].map(|id| ApiKeyDigest::of(id.as_bytes()));
    let found = store.find(&digests).await.unwrap().keys;
    assert!(found.iter().flatten().count() == 2 && found.iter().flatten().all(|joined| joined.metadata.is_empty()));
    let head = store.identity().await.unwrap().head;
    for told in store.changes(FeedHead { position: 0, ..head }).await.unwrap().changes {
        assert!(!matches!(&told, Change::ApiKey(_, joined) if !joined.metadata.is_empty()), "{told:?}");
    }
    // It belongs to its version, and what is ended for ever stays as it is.
    let version = store.api_key("key_3").await.unwrap().unwrap().version();
    store.change_api_key("key_3", None, &KeyChange::Metadata(Metadata::new()), &event()).await.unwrap();
    assert_ne!(store.api_key("key_3").await.unwrap().unwrap().version(), version);
    store.change_api_key("key_3", None, &KeyChange::Revoke(at(9), None), &event()).await.unwrap();
    let late = store.change_api_key("key_3", None, &change, &event()).await.unwrap();
    assert!(matches!(late, Outcome::Refused(Refusal::Revoked)), "{late:?}");
    let other = store.change_api_key("key_2", Some(OTHER), &change, &event()).await.unwrap();
    assert!(matches!(other, Outcome::NotFound), "{other:?}");
    assert_eq!(home.open(Arc::default()).await.api_key("key_1").await.unwrap().unwrap().metadata, second);
}

pub async fn sessions_are_listed_by_what_carries_them_on<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    for id in ["ses_0", "ses_2"] {
        let cookie = ApiKeyDigest::of(id.as_bytes());
        store.begin_cookie_session(&cookie_session(id), &proof("a"), &cookie, &event()).await.unwrap().done().unwrap();
    }
    let listed = async |by, after, limit| {
        let found = store.sessions(by, after, limit).await.unwrap();
        found.into_iter().map(|session| session.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, "", 9).await, ["ses_0", "ses_1", "ses_2"]);
    assert_eq!(listed(Some(SessionsBy::Cookie), "", 9).await, ["ses_0", "ses_2"]);
    assert_eq!(listed(Some(SessionsBy::Cookie), "", 1).await, ["ses_0"]);
    assert_eq!(listed(Some(SessionsBy::Cookie), "ses_0", 1).await, ["ses_2"]);
    assert_eq!(listed(Some(SessionsBy::Tokens), "", 9).await, ["ses_1"]);
}
