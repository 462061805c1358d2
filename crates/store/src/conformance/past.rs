//! Cases about what is past and goes.

use keyward_core::digest::ApiKeyDigest;
use keyward_core::session::SessionRecord;
use keyward_engine::people::{Past, Spent};

use super::Home;
use super::factors::proof;
use super::fixtures::{at, event, session, state};
use super::people::{refresh, signed_in, spend};

/// Refresh tokens that ended, and cookies that began, before such moments.
pub fn past(refresh_tokens: i64, cookies: i64) -> Past {
    Past { refresh_tokens: at(refresh_tokens), cookies: at(cookies) }
}

pub async fn what_nobody_can_carry_on_is_let_go<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    for (id, made) in [("ses_2", 9), ("ses_3", 50)] {
        store.begin_session(&session(id), &proof("a"), &refresh(id, made), &event()).await.unwrap().done().unwrap();
    }
    // Of the first session one token was used, and another came of it.
    assert!(matches!(spend(&*store, "first", "second", 60).await, Spent::Done(_)));
    store.end_session("ses_3", "signed out", &event()).await.unwrap();
    let left = async || -> Vec<Box<str>> {
        store.sessions(None, "", 100).await.unwrap().into_iter().map(|session| session.id).collect()
    };
    let by_cookie = SessionRecord { created_at: at(200), seen_at: Some(at(900)), ..session("ses_4") };
    let cookie = ApiKeyDigest::of(b"cookie");
    store.begin_cookie_session(&by_cookie, &proof("a"), &cookie, &event()).await.unwrap().done().unwrap();
    let forget = async |tokens, cookies, most| store.forget_sessions(past(tokens, cookies), most).await.unwrap();
    let before = state(&*store).await;
    // Each is good for 100.
    assert_eq!(forget(105, 0, 100).await, 0, "until its end it stays, used or not");
    assert_eq!(forget(106, 0, 100).await, 1);
    assert_eq!(
        left().await,
        ["ses_1".into(), "ses_2".into(), "ses_3".into(), "ses_4".into()],
        "a session stays with its last token"
    );
    assert_eq!(spend(&*store, "first", "third", 70).await, Spent::Unknown);
    assert!(matches!(spend(&*store, "second", "third", 70).await, Spent::Done(_)), "and is carried on by it");
    assert_eq!(forget(110, 0, 100).await, 1);
    assert_eq!(
        left().await,
        ["ses_1".into(), "ses_3".into(), "ses_4".into()],
        "that it ended first lets it go no earlier"
    );
    assert_eq!(forget(1000, 0, 2).await, 2, "some at a time");
    assert_eq!(forget(1000, 0, 2).await, 1);
    assert_eq!((forget(1000, 200, 2).await, left().await), (0, vec!["ses_4".into()]), "a cookie goes by its beginning");
    assert_eq!((forget(1000, 201, 2).await, left().await), (1, Vec::new()));
    assert_eq!(store.find_cookies(&[cookie]).await.unwrap().sessions, [None]);
    let after = state(&*store).await;
    assert_eq!(
        (after.position, after.events),
        (before.position, before.events),
        "nothing is told, and the evidence stays"
    );
}
