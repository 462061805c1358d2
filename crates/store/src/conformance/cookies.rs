//! Cases about sessions by cookie.

use std::sync::Arc;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::plane::Plane;
use keyward_core::session::SessionRecord;
use keyward_engine::factors::Begun;
use keyward_engine::people::UserChange;
use keyward_engine::ports::Use;

use super::Home;
use super::factors::proof;
use super::fixtures::{OTHER, OWNER, at, event, session, state};
use super::people::{hash, signed_in};

/// A session by cookie.
pub fn cookie_session(id: &str) -> SessionRecord {
    SessionRecord { seen_at: Some(at(5)), ..session(id) }
}

pub async fn a_session_by_cookie_is_found_by_it_and_ends_with_what_it_rests_on<H: Home>() {
    let (home, store) = signed_in::<H>().await;
    let [one, other, none] = ["one", "other", "none"].map(|text| ApiKeyDigest::of(text.as_bytes()));
    let begin = async |id: &str, digest: &ApiKeyDigest, password: &str| {
        let (session, shown, event) = (cookie_session(id), proof(password), event());
        store.begin_cookie_session(&session, &shown, digest, &event).await
    };
    assert_eq!(begin("ses_2", &one, "wrong").await.unwrap(), Begun::Stale, "another password");
    assert_eq!(begin("ses_2", &one, "a").await.unwrap().done().unwrap().session, cookie_session("ses_2"));
    begin("ses_3", &one, "a").await.unwrap_err();
    begin("ses_3", &other, "a").await.unwrap().done().unwrap();
    let found = async |digests: &[ApiKeyDigest]| {
        let found = store.find_cookies(digests).await.unwrap();
        assert_eq!(found.head, store.identity().await.unwrap().head);
        found.sessions.into_iter().map(|one| one.map(|one| one.session)).collect::<Vec<_>>()
    };
    let both = [Some(cookie_session("ses_3")), None, Some(cookie_session("ses_2"))];
    assert_eq!(found(&[other, none, one]).await, both);
    assert_eq!(found(&[]).await, []);
    // Seen is exact in one direction, and nothing that the feed is told.
    let before = state(&*store).await.position;
    let used = |id: &str, millis| Use { id: id.into(), at: at(millis), by: None };
    store.record_uses(&[used("ses_2", 9), used("ses_2", 7), used("ses_1", 9), used("key_none", 9)]).await.unwrap();
    store.record_uses(&[used("ses_2", 8)]).await.unwrap();
    assert_eq!(state(&*store).await.position, before);
    let seen = found(&[one, other]).await.into_iter().map(|one| one.unwrap().seen_at);
    assert_eq!(seen.collect::<Vec<_>>(), [Some(at(9)), Some(at(5))]);
    assert_eq!(store.sessions(None, "", 9).await.unwrap()[0], session("ses_1"), "a session by tokens is not seen");
    // Signing out ends one, another password all.
    store.end_session("ses_2", "signed out", &event()).await.unwrap();
    store.change_user(OWNER, &UserChange::Password(at(9), hash("b")), &event()).await.unwrap();
    let ended = found(&[one, other]).await.into_iter().map(|one| one.unwrap().ended_reason.unwrap());
    assert_eq!(ended.collect::<Vec<_>>(), ["signed out".into(), "password changed".into()] as [Box<str>; 2]);
    let again = home.open(Arc::default()).await;
    assert!(again.find_cookies(&[one]).await.unwrap().sessions[0].is_some());
}

pub async fn what_a_user_is_signed_in_by_is_told_and_ends_but_for_one<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    let console = SessionRecord { plane: Plane::Control, created_at: at(6), ..cookie_session("ses_2") };
    for (session, cookie) in [(&console, "one"), (&cookie_session("ses_3"), "two")] {
        let cookie = ApiKeyDigest::of(cookie.as_bytes());
        store.begin_cookie_session(session, &proof("a"), &cookie, &event()).await.unwrap().done().unwrap();
    }
    let of = async |user: &str, millis| {
        let found = store.sessions_of(user, at(millis), 9).await.unwrap();
        found.into_iter().map(|session| session.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(store.sessions_of(OWNER, at(9), 1).await.unwrap(), [console]);
    assert_eq!(of(OWNER, 9).await, ["ses_2", "ses_1", "ses_3"], "the last begun first");
    assert_eq!(of(OWNER, 105).await, ["ses_2", "ses_3"], "nobody can carry on the one by tokens any more");
    assert_eq!(of(OTHER, 9).await, [""; 0]);
    // An own password ends all but the session that asked; another password by then changes nothing at all.
    let own = |from, to| {
        let (from, to) = (hash(from), hash(to));
        UserChange::OwnPassword { at: at(9), from, to, session: "ses_2".into() }
    };
    let before = state(&*store).await;
    store.change_user(OWNER, &own("wrong", "b"), &event()).await.unwrap();
    assert_eq!(state(&*store).await, before);
    store.change_user(OWNER, &own("a", "b"), &event()).await.unwrap();
    assert_eq!(of(OWNER, 9).await, ["ses_2"]);
    assert_eq!(state(&*store).await.position, before.position + 1);
    store.change_user(OWNER, &UserChange::SignOut(at(10)), &event()).await.unwrap();
    assert_eq!(of(OWNER, 9).await, [""; 0]);
    assert_eq!(state(&*store).await.position, before.position + 2);
}
