//! Cases about second factors: when they count, and that what is shown of them counts once.

use std::sync::Arc;

use keyward_core::digest::ApiKeyDigest;
use keyward_engine::factors::{Authenticator, Begun, FactorChange, Proof, Second};
use keyward_engine::people::{PasswordHash, UserChange};
use keyward_engine::ports::{Answer, Store};

use super::Home;
use super::cookies::cookie_session;
use super::fixtures::{OTHER, OWNER, at, event, session, state};
use super::people::{hash, refresh, signed_in};

/// A password alone.
pub fn proof(password: &str) -> Proof {
    Proof { password: hash(password), second: None }
}

pub fn authenticator(id: &str) -> Authenticator {
    Authenticator { id: id.into(), sealed: Box::new([1, 2, 3]), created_at: at(3), confirmed_at: None }
}

pub fn code(text: &str) -> ApiKeyDigest {
    ApiKeyDigest::of(text.as_bytes())
}

pub fn step(step: u64) -> Second {
    Second::Step { authenticator: "fac_1".into(), step }
}

pub fn change<'a>(store: &'a dyn Store, change: &'a FactorChange<'a>) -> Answer<'a, bool> {
    Box::pin(async move { Ok(store.change_factors(OWNER, change, &event()).await?.is_some()) })
}

/// Has an authenticator of [`OWNER`] count, from step 5 on, with the recovery codes `a` and `b`.
pub async fn enrol(store: &dyn Store) {
    assert!(change(store, &FactorChange::Begin(&authenticator("fac_1"))).await.unwrap());
    let codes = [code("a"), code("b")];
    let confirm = FactorChange::Confirm { authenticator: "fac_1", step: 5, at: at(4), codes: &codes };
    assert!(change(store, &confirm).await.unwrap());
}

/// Has one of [`OTHER`] count, who signs in with the password `a`.
pub async fn enrol_other(store: &dyn Store) {
    store.change_user(OTHER, &UserChange::Password(at(2), hash("a")), &event()).await.unwrap();
    let codes = [code("a")];
    for change in [
        FactorChange::Begin(&authenticator("fac_other")),
        FactorChange::Confirm { authenticator: "fac_other", step: 5, at: at(4), codes: &codes },
    ] {
        store.change_factors(OTHER, &change, &event()).await.unwrap().unwrap();
    }
}

async fn begin(store: &dyn Store, id: &str, second: Option<Second>) -> &'static str {
    let proof = Proof { password: hash("a"), second };
    let (session, cookie) = (cookie_session(id), code(id));
    match store.begin_cookie_session(&session, &proof, &cookie, &event()).await.unwrap() {
        Begun::Done(_) => "done",
        Begun::Stale => "stale",
        Begun::Unproven => "unproven",
    }
}

pub async fn a_second_factor_counts_once_it_is_confirmed<H: Home>() {
    let (home, store) = signed_in::<H>().await;
    let store = &*store;
    assert_eq!(store.factors(OWNER).await.unwrap().authenticator, None);
    let [first, second] = [authenticator("fac_0"), authenticator("fac_1")];
    for new in [&first, &second] {
        assert!(change(store, &FactorChange::Begin(new)).await.unwrap());
    }
    assert_eq!(store.factors(OWNER).await.unwrap().authenticator, Some(second), "one that waits gives way");
    assert!(!store.user_as_of(OWNER).await.unwrap().1.unwrap().second_factor);
    assert_eq!(begin(store, "ses_2", None).await, "done");
    let codes = [code("a"), code("b")];
    let confirm = |authenticator| FactorChange::Confirm { authenticator, step: 5, at: at(4), codes: &codes };
    assert!(!change(store, &confirm("fac_0")).await.unwrap(), "one that gave way");
    let before = state(store).await.position;
    assert!(change(store, &confirm("fac_1")).await.unwrap());
    assert_eq!(state(store).await.position, before + 1, "memory of its user is told");
    assert!(!change(store, &confirm("fac_1")).await.unwrap(), "confirmed twice");
    assert!(!change(store, &FactorChange::Begin(&first)).await.unwrap(), "beside one that counts");
    let again = home.open(Arc::default()).await;
    let kept = again.factors(OWNER).await.unwrap();
    assert_eq!(kept.authenticator.unwrap().confirmed_at, Some(at(4)));
    assert_eq!(kept.recovery_codes.len(), 2);
    assert!(again.find_user("user_owner@example.com").await.unwrap().unwrap().second_factor);
    assert!(!store.user_as_of(OTHER).await.unwrap().1.unwrap().second_factor);
}

pub async fn what_is_shown_beside_a_password_is_used_up_with_the_session_that_begins<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    let store = &*store;
    enrol(store).await;
    let other = Second::Step { authenticator: "fac_other".into(), step: 9 };
    for (id, second, expected) in [
        ("ses_2", None, "unproven"),
        ("ses_2", Some(step(5)), "unproven"),
        ("ses_2", Some(step(4)), "unproven"),
        ("ses_2", Some(other), "unproven"),
        ("ses_2", Some(Second::Recovery(code("c"))), "unproven"),
        ("ses_2", Some(step(6)), "done"),
        ("ses_3", Some(step(6)), "unproven"),
        ("ses_3", Some(step(5)), "unproven"),
        ("ses_3", Some(Second::Recovery(code("a"))), "done"),
        ("ses_4", Some(Second::Recovery(code("a"))), "unproven"),
        ("ses_4", Some(step(8)), "done"),
    ] {
        assert_eq!(begin(store, id, second.clone()).await, expected, "{id} by {second:?}");
    }
    assert_eq!(store.factors(OWNER).await.unwrap().recovery_codes, [code("b")]);
    // A password that is not the user's any more uses nothing up.
    let stale = Proof { password: PasswordHash("$argon2id$old".into()), second: Some(step(9)) };
    let begun = store.begin_session(&session("ses_5"), &stale, &refresh("fifth", 9), &event()).await.unwrap();
    assert_eq!(begun, Begun::Stale);
    assert_eq!(begin(store, "ses_5", Some(step(9))).await, "done");
    // Others take their place, and all of it goes at once.
    let codes = [code("d")];
    assert!(change(store, &FactorChange::Codes(&codes)).await.unwrap());
    assert_eq!(store.factors(OWNER).await.unwrap().recovery_codes, codes);
    assert!(!change(store, &FactorChange::Remove(Some(&step(9)))).await.unwrap(), "used before");
    assert!(change(store, &FactorChange::Remove(Some(&step(10)))).await.unwrap());
    assert_eq!(store.factors(OWNER).await.unwrap(), keyward_engine::factors::Factors::default());
    assert!(!change(store, &FactorChange::Remove(None)).await.unwrap(), "nothing is left");
    assert!(!change(store, &FactorChange::Codes(&codes)).await.unwrap(), "codes beside nothing");
    assert_eq!(begin(store, "ses_6", None).await, "done");
    assert_eq!(begin(store, "ses_7", Some(step(11))).await, "unproven", "of one that is gone");
}
