//! Cases about key + secret pairs and what is issued to the clients that show them.

use std::sync::Arc;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::scope::ScopeSet;
use keyward_core::session::{ClientGrant, SessionRecord};
use keyward_engine::change::KeyChange;
use keyward_engine::people::{AccountChange, Bearer, Spent, UserChange};
use keyward_engine::ports::Store;

use super::Home;
use super::fixtures::{OTHER, OWNER, at, event, key, session, state};
use super::people::{hash, refresh, shown, signed_in};

/// A pair, and what was given to its client.
pub fn client_session(id: &str, key: &str) -> SessionRecord {
    let scopes = ScopeSet::parse(["orders:read", "self:*"]).unwrap();
    SessionRecord { client: Some(ClientGrant { key: key.into(), scopes }), ..session(id) }
}

/// A place with a pair whose client was given tokens, beside a user who signed in.
pub async fn issued<H: Home>() -> (H, Arc<dyn Store>) {
    let (home, store) = signed_in::<H>().await;
    for id in ["key_1", "key_2"] {
        let mut pair = key(id, OWNER, 3);
        pair.secret = Some(ApiKeyDigest::of(b"secret"));
        pair.account = Some("acc_1".into());
        store.insert_api_key(&pair, &event()).await.unwrap();
    }
    let begun = client_session("ses_c", "key_1");
    store.begin_client_session(&begun, &refresh("client", 5), &event()).await.unwrap();
    (home, store)
}

async fn spend(store: &dyn Store, text: &str, bearer: Bearer<'_>, successor: &str) -> Spent {
    let (digest, successor) = (ApiKeyDigest::of(text.as_bytes()), refresh(successor, 6));
    store.spend_refresh_token(&shown(&digest, bearer, &successor), &|_| Ok(()), &event()).await.unwrap()
}

async fn ended(store: &dyn Store, id: &str) -> bool {
    store.find_sessions(&[id.into()]).await.unwrap().sessions.remove(0).unwrap().session.ended_at.is_some()
}

pub async fn a_pair_and_its_clients_session_come_back_as_they_were_kept<H: Home>() {
    let (_home, store) = issued::<H>().await;
    let pair = store.api_key("key_1").await.unwrap().unwrap();
    assert_eq!(pair.key.secret, Some(ApiKeyDigest::of(b"secret")));
    let held = store.find_sessions(&["ses_c".into()]).await.unwrap().sessions.remove(0).unwrap();
    assert_eq!(held.session, client_session("ses_c", "key_1"));
    assert_eq!((held.client.as_deref(), &held.user), (Some(&pair), &pair.owner));
    let kept = store.find_refresh_token(&ApiKeyDigest::of(b"client")).await.unwrap().unwrap();
    assert_eq!((kept.family, kept.created_at, kept.expires_at, kept.spent_at), (held, at(5), at(105), None));
    assert_eq!(store.find_refresh_token(&ApiKeyDigest::of(b"none")).await.unwrap(), None);
    let listed = store.sessions(None, "", 10).await.unwrap();
    assert!(listed.contains(&client_session("ses_c", "key_1")) && listed.contains(&session("ses_1")));
    let orphan = client_session("ses_x", "key_none");
    store.begin_client_session(&orphan, &refresh("orphan", 5), &event()).await.unwrap_err();
}

pub async fn a_refresh_token_is_bound_to_whom_it_was_given<H: Home>() {
    let (_home, store) = issued::<H>().await;
    spend(&*store, "first", Bearer::User, "second").await;
    let before = state(&*store).await;
    for (text, bearer) in [
        ("client", Bearer::User),
        ("client", Bearer::Client("key_2")),
        ("first", Bearer::Client("key_1")),
        ("second", Bearer::Client("key_1")),
    ] {
        let spent = spend(&*store, text, bearer, "stolen").await;
        assert!(matches!(spent, Spent::Foreign(_)), "{text} {bearer:?}: {spent:?}");
    }
    assert_eq!(state(&*store).await, before, "whoever else shows it neither spends it nor ends anything");
    assert!(matches!(spend(&*store, "client", Bearer::Client("key_1"), "next").await, Spent::Done(_)));
    assert!(matches!(spend(&*store, "next", Bearer::Anybody, "last").await, Spent::Done(_)));
    assert!(matches!(spend(&*store, "client", Bearer::Client("key_1"), "x").await, Spent::Reused(..)));
    assert!(ended(&*store, "ses_c").await && !ended(&*store, "ses_1").await);
}

pub async fn a_clients_session_rests_on_its_key<H: Home>() {
    for (change, back) in [
        (KeyChange::Disable(at(6)), Some(KeyChange::Enable)),
        (KeyChange::Revoke(at(6), None), None),
        (KeyChange::Replace { at: at(5), overlap_ends_at: at(6), quiet: None }, None),
    ] {
        let (_home, store) = issued::<H>().await;
        store.change_api_key("key_1", None, &change, &event()).await.unwrap();
        let held = store.find_sessions(&["ses_c".into()]).await.unwrap().sessions.remove(0).unwrap();
        assert!(held.is_over(at(6)), "{change:?}");
        let spent = spend(&*store, "client", Bearer::Client("key_1"), "next").await;
        assert_eq!(spent, Spent::Over("ses_c".into()), "{change:?}");
        if let Some(back) = back {
            store.change_api_key("key_1", None, &back, &event()).await.unwrap();
            assert!(matches!(spend(&*store, "client", Bearer::Client("key_1"), "next").await, Spent::Done(_)));
        }
    }
}

pub async fn a_password_ends_no_client_and_a_pause_ends_all<H: Home>() {
    let (_home, store) = issued::<H>().await;
    let password = UserChange::Password(at(6), hash("b"));
    store.change_user(OWNER, &password, &event()).await.unwrap();
    assert!(ended(&*store, "ses_1").await && !ended(&*store, "ses_c").await);
    store.change_user(OTHER, &UserChange::Disable(at(6)), &event()).await.unwrap();
    assert!(!ended(&*store, "ses_c").await);
    store.change_user(OWNER, &UserChange::Disable(at(6)), &event()).await.unwrap();
    assert!(ended(&*store, "ses_c").await);
    // The account of the key, which is not that of its owner.
    let (_home, store) = issued::<H>().await;
    store.change_account("acc_1", &AccountChange::Disable(at(6)), &event()).await.unwrap();
    assert!(ended(&*store, "ses_c").await && !ended(&*store, "ses_1").await);
}
