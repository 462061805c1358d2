//! Cases about mishaps: wherever a write is cut off, a fresh look shows the state before or the state after, whole.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::api_key::ApiKeyRecord;
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::session::SessionRecord;
use keyward_engine::change::KeyChange;
use keyward_engine::factors::{FactorChange, Proof, Second};
use keyward_engine::people::{AccountChange, Bearer, Spent, UserChange};
use keyward_engine::ports::{Answer, ForeignHash, Metadata, Store, StoreError, Unused, Use};
use keyward_engine::sightings::Seen;

use super::Home;
use super::clients::client_session;
use super::cookies::cookie_session;
use super::factors::{self, authenticator, code, proof};
use super::fixtures::{NEWCOMER, OTHER, OWNER, State, at, event, fresh, key, session, state, user};
use super::imported::imported;
use super::limits::reserve;
use super::links;
use super::past::past;
use super::people::{account, hash, refresh, shown, signed_in, signing_key};
use crate::faults::{Faults, Mishap};

/// A user and an account that are paused before anything is cut off.
const PAUSED: (&str, &str) = ("user_paused", "acc_paused");

type Operation = fn(&dyn Store) -> Answer<'_, ()>;

/// Every operation that writes.
const OPERATIONS: &[(&str, Operation)] = &[
    ("ensure_user", |store| Box::pin(async { store.ensure_user(&user(NEWCOMER), &event()).await.map(drop) })),
    ("insert", |store| Box::pin(async { store.insert_api_key(&key("key_new", OWNER, 9), &event()).await.map(drop) })),
    ("insert_with_metadata", |store| {
        Box::pin(async { store.insert_api_key_with(&key("key_new", OWNER, 9), &metadata(), &event()).await.map(drop) })
    }),
    ("metadata", |store| change(store, "key_1", KeyChange::Metadata(metadata()))),
    ("rename", |store| change(store, "key_1", KeyChange::Rename("another".into()))),
    ("disable", |store| change(store, "key_1", KeyChange::Disable(at(9)))),
    ("enable", |store| change(store, "key_2", KeyChange::Enable)),
    ("revoke", |store| change(store, "key_1", KeyChange::Revoke(at(9), Some("leaked".into())))),
    ("rotate", |store| Box::pin(rotate(store))),
    ("end_overlap", |store| change(store, "key_over", KeyChange::EndOverlap(at(9)))),
    ("budget", |store| change(store, "key_1", KeyChange::Budget("9/1d".parse().ok()))),
    ("no_budget", |store| change(store, "key_2", KeyChange::Budget(None))),
    ("record_event", |store| Box::pin(async { store.record_event(&event()).await })),
    ("seal", |store| Box::pin(async { store.seal_audit(&MacKey::from_bytes([7; 32]), 100).await.map(drop) })),
    ("forget_audit", |store| Box::pin(async { store.forget_audit(2, 100).await.map(drop) })),
    ("insert_user", |store| Box::pin(async { store.insert_user(&user(NEWCOMER), &event()).await.map(drop) })),
    ("disable_user", |store| change_user(store, UserChange::Disable(at(9)))),
    ("enable_user", |store| {
        Box::pin(async { store.change_user(PAUSED.0, &UserChange::Enable, &event()).await.map(drop) })
    }),
    ("password", |store| change_user(store, UserChange::Password(at(9), hash("b")))),
    ("renew", |store| change_user(store, UserChange::Renew { from: hash("a"), to: hash("b") })),
    ("own_password", |store| {
        let (from, to) = (hash("a"), hash("b"));
        change_user(store, UserChange::OwnPassword { at: at(9), from, to, session: "ses_none".into() })
    }),
    ("sign_out", |store| change_user(store, UserChange::SignOut(at(9)))),
    ("roles", |store| change_user(store, UserChange::Roles(vec!["x".into()]))),
    ("account_of_user", |store| change_user(store, UserChange::Account(at(9), Some(PAUSED.1.into())))),
    ("reference_of_user", |store| change_user(store, UserChange::ExternalId(Some("mine".into())))),
    ("reference_of_account", |store| {
        Box::pin(async {
            let mine = AccountChange::ExternalId(Some("mine".into()));
            store.change_account("acc_1", &mine, &event()).await.map(drop)
        })
    }),
    ("insert_account", |store| Box::pin(async { store.insert_account(&account("acc_2"), &event()).await.map(drop) })),
    ("disable_account", |store| {
        Box::pin(async { store.change_account("acc_1", &AccountChange::Disable(at(9)), &event()).await.map(drop) })
    }),
    ("enable_account", |store| {
        Box::pin(async { store.change_account(PAUSED.1, &AccountChange::Enable, &event()).await.map(drop) })
    }),
    ("plan_of_account", |store| {
        Box::pin(async {
            store.change_account("acc_1", &AccountChange::Plan(Some("x".into())), &event()).await.map(drop)
        })
    }),
    ("limits_of_account", |store| {
        Box::pin(async {
            let limits = AccountChange::Limits(vec!["9/1d".parse().unwrap()]);
            store.change_account("acc_1", &limits, &event()).await.map(drop)
        })
    }),
    ("budget_of_account", |store| {
        Box::pin(async {
            let budget = AccountChange::Budget("9".parse().ok());
            store.change_account("acc_1", &budget, &event()).await.map(drop)
        })
    }),
    ("begin_factor", |store| {
        Box::pin(async { factors::change(store, &FactorChange::Begin(&authenticator("fac_2"))).await.map(drop) })
    }),
    ("confirm_factor", |store| {
        Box::pin(async {
            let codes = [code("c"), code("d")];
            let confirm = FactorChange::Confirm { authenticator: "fac_1", step: 5, at: at(9), codes: &codes };
            factors::change(store, &confirm).await.map(drop)
        })
    }),
    ("begin_session_by_a_code", |store| {
        Box::pin(async {
            let proof = Proof { password: hash("a"), second: Some(Second::Recovery(code("a"))) };
            let session = SessionRecord { user: OTHER.into(), ..cookie_session("ses_2") };
            store.begin_cookie_session(&session, &proof, &code("cookie"), &event()).await.map(drop)
        })
    }),
    ("recovery_codes", |store| {
        Box::pin(async { store.change_factors(OTHER, &FactorChange::Codes(&[code("e")]), &event()).await.map(drop) })
    }),
    ("remove_factor", |store| {
        Box::pin(async { store.change_factors(OTHER, &FactorChange::Remove(None), &event()).await.map(drop) })
    }),
    ("invite", |store| Box::pin(async { store.invite(OWNER, &links::link("another", 9), &event()).await.map(drop) })),
    ("accept_invitation", |store| {
        Box::pin(async { store.accept_invitation(&code("invitation"), &hash("b"), &event()).await.map(drop) })
    }),
    ("portal_user", |store| {
        Box::pin(async { store.portal_user("acc_1", &links::portal_user("user_portal"), &event()).await.map(drop) })
    }),
    ("portal_link", |store| {
        Box::pin(async { store.keep_portal_link(OTHER, &links::link("another portal", 9), &event()).await.map(drop) })
    }),
    ("portal_session", |store| {
        Box::pin(async {
            let session = SessionRecord { user: OTHER.into(), portal: true, ..cookie_session("ses_2") };
            store.begin_portal_session(&session, &code("portal"), &code("cookie"), &event()).await.map(drop)
        })
    }),
    ("begin_session", |store| {
        Box::pin(async {
            store.begin_session(&session("ses_2"), &proof("a"), &refresh("other", 9), &event()).await.map(drop)
        })
    }),
    ("begin_client_session", |store| {
        Box::pin(async {
            let session = client_session("ses_2", "key_1");
            store.begin_client_session(&session, &refresh("other", 9), &event()).await.map(drop)
        })
    }),
    ("begin_cookie_session", |store| {
        Box::pin(async {
            let cookie = ApiKeyDigest::of(b"cookie");
            store.begin_cookie_session(&cookie_session("ses_2"), &proof("a"), &cookie, &event()).await.map(drop)
        })
    }),
    ("reuse_refresh_token", |store| spend(store, "first", "fresh")),
    ("end_session", |store| Box::pin(async { store.end_session("ses_1", "signed out", &event()).await.map(drop) })),
    ("forget_sessions", |store| Box::pin(async { store.forget_sessions(past(1000, 0), 100).await.map(drop) })),
    ("insert_signing_key", |store| {
        Box::pin(async { store.insert_signing_key(&signing_key("sig_1"), &event()).await.map(drop) })
    }),
    ("retire_signing_key", |store| {
        Box::pin(async { store.retire_signing_key("sig_0", at(9), &event()).await.map(drop) })
    }),
    ("import_api_key", |store| {
        Box::pin(async {
            let key = imported("key_new", Some(ForeignHash::Lookup([5; 32])));
            store.import_api_key(&key, &event()).await.map(drop)
        })
    }),
    ("prove_imported", |store| {
        Box::pin(async { store.prove_imported("key_3", &ApiKeyDigest::of(b"shown"), &event()).await.map(drop) })
    }),
    ("keep_pepper", |store| Box::pin(async { store.keep_pepper(b"sealed", &event()).await })),
    ("begin_epoch", |store| Box::pin(async { store.begin_epoch(99, &event()).await.map(drop) })),
    ("reserve", |store| Box::pin(async { store.reserve(&[reserve("b", 3, 2000)]).await.map(drop) })),
    ("give_back", |store| {
        let unused = Unused { limit: 7, subject: "a".into(), ends_at: at(1101), used: 1 };
        Box::pin(async move { store.give_back(&[unused]).await })
    }),
    ("record_uses", |store| {
        Box::pin(async {
            let seen = Seen { client: [192, 0, 2, 1].into(), agent: "curl".into(), route: "all".into() };
            let used = |id: &str, by| Use { id: id.into(), at: at(9), by };
            store.record_uses(&[used("key_1", None), used("key_2", Some(Box::new(seen)))]).await
        })
    }),
];

fn metadata() -> Metadata {
    Metadata::from([("team".into(), "billing".into())])
}

fn change<'a>(store: &'a dyn Store, id: &'static str, change: KeyChange) -> Answer<'a, ()> {
    Box::pin(async move { store.change_api_key(id, None, &change, &event()).await.map(drop) })
}

fn change_user(store: &dyn Store, change: UserChange) -> Answer<'_, ()> {
    Box::pin(async move { store.change_user(OWNER, &change, &event()).await.map(drop) })
}

fn spend<'a>(store: &'a dyn Store, text: &'static str, successor: &'static str) -> Answer<'a, ()> {
    Box::pin(async move {
        let digest = ApiKeyDigest::of(text.as_bytes());
        let successor = refresh(successor, 9);
        store.spend_refresh_token(&shown(&digest, Bearer::User, &successor), &|_| Ok(()), &event()).await.map(drop)
    })
}

async fn rotate(store: &dyn Store) -> Result<(), StoreError> {
    let mut successor = key("key_new", OWNER, 9);
    successor.replaces = Some("key_1".into());
    let replace = KeyChange::Replace { at: at(9), overlap_ends_at: at(99), quiet: Some(Duration::from_secs(1)) };
    store.rotate_api_key(None, &replace, &successor, &event()).await.map(drop)
}

pub async fn a_failing_statement_leaves_all_or_nothing<H: Home>() {
    every_cut::<H>(Mishap::Fail).await;
}

pub async fn a_caller_that_hangs_up_leaves_all_or_nothing<H: Home>() {
    every_cut::<H>(Mishap::Stall).await;
}

/// What is kept of refresh tokens is seen only by spending them: cut off anywhere, either the old one is good for its use,
/// or its successor is kept and the old one is spent.
pub async fn a_spending_that_is_cut_off_is_whole<H: Home>() {
    let mut committed = 0;
    for statements in 0.. {
        let (home, _) = prepared::<H>().await;
        let faults = Arc::new(Faults::default());
        let store = home.open(Arc::clone(&faults)).await;
        faults.arm(statements, Mishap::Fail);
        let answer = spend(&*store, "second", "fresh").await;
        if !faults.disarm() {
            answer.unwrap();
            assert!(statements >= 4, "BEGIN, COMMIT and what they enclose");
            break;
        }
        answer.unwrap_err();
        let store = home.open(Arc::default()).await;
        let digest = ApiKeyDigest::of(b"second");
        let another = refresh("another", 9);
        let token = shown(&digest, Bearer::User, &another);
        let again = store.spend_refresh_token(&token, &|_| Ok(()), &event()).await.unwrap();
        committed += usize::from(matches!(again, Spent::Reused(..)));
        assert!(matches!(again, Spent::Reused(..) | Spent::Done(_)), "after {statements} statements: {again:?}");
    }
    assert_eq!(committed, 1, "committed by the last statement and by no other");
}

pub async fn a_failing_read_is_an_error<H: Home>() {
    let (home, _) = fresh::<H>().await;
    let faults = Arc::new(Faults::default());
    let store = home.open(Arc::clone(&faults)).await;
    faults.arm(0, Mishap::Fail);
    store.find(&[]).await.unwrap_err();
    assert!(faults.disarm());
    store.find(&[]).await.unwrap();
}

async fn every_cut<H: Home>(mishap: Mishap) {
    for (name, operation) in OPERATIONS {
        let (_home, store) = prepared::<H>().await;
        let before = state(&*store).await;
        operation(&*store).await.unwrap();
        let after = state(&*store).await;
        let told = match *name {
            "seal" | "record_uses" | "reserve" | "give_back" | "forget_sessions" => 0,
            // Who calls it has told of it before.
            "forget_audit" => -2,
            _ => 1,
        };
        let more = after.events.len().cast_signed() - before.events.len().cast_signed();
        assert_eq!(more, told, "{name} is told of once");
        assert_ne!(before, after, "{name} writes something");
        let mut committed = 0;
        let mut statements = 0;
        while let Some(seen) = cut::<H>(*operation, statements, mishap, &before, &after).await {
            assert_eq!(committed, 0, "{name} was committed before its last statement");
            committed += usize::from(seen == after);
            statements += 1;
        }
        assert_eq!(committed, 1, "{name} is committed by its last statement and by no other");
        assert!(statements >= 4, "{name} met {statements} points: BEGIN, COMMIT and what they enclose");
    }
}

/// Cuts an operation off after some statements; what a fresh look shows then. `None`: the operation has no more of them.
async fn cut<H: Home>(
    operation: Operation,
    statements: usize,
    mishap: Mishap,
    before: &State,
    after: &State,
) -> Option<State> {
    let (home, _) = prepared::<H>().await;
    let faults = Arc::new(Faults::default());
    let store = home.open(Arc::clone(&faults)).await;
    faults.arm(statements, mishap);
    let answer = match mishap {
        Mishap::Fail => Some(operation(&*store).await),
        Mishap::Stall => tokio::select! {
            biased;
            answer = operation(&*store) => Some(answer),
            () = faults.met() => None,
        },
    };
    if !faults.disarm() {
        answer.unwrap().unwrap();
        return None;
    }
    assert!(answer.is_none_or(|answer| answer.is_err()), "a fault was swallowed");
    let seen = state(&*home.open(Arc::default()).await).await;
    assert!([before, after].contains(&&seen), "after {statements} statements, neither before nor after: {seen:#?}");
    if seen == *before {
        // The same store goes on as if nothing had been.
        operation(&*store).await.unwrap();
        assert_eq!(state(&*store).await, *after);
    }
    Some(seen)
}

async fn prepared<H: Home>() -> (H, Arc<dyn Store>) {
    let (home, store) = signed_in::<H>().await;
    let first = ApiKeyDigest::of(b"first");
    let second = refresh("second", 6);
    store.spend_refresh_token(&shown(&first, Bearer::User, &second), &|_| Ok(()), &event()).await.unwrap();
    store.reserve(&[reserve("a", 3, 100)]).await.unwrap();
    store.insert_signing_key(&signing_key("sig_0"), &event()).await.unwrap();
    store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    store.insert_api_key(&key("key_2", OWNER, 2), &event()).await.unwrap();
    store
        .insert_api_key(&ApiKeyRecord { overlap_ends_at: Some(at(99)), ..key("key_over", OWNER, 0) }, &event())
        .await
        .unwrap();
    let quick = imported("key_3", Some(ForeignHash::Lookup([3; 32])));
    store.import_api_key(&quick, &event()).await.unwrap();
    store.seal_audit(&MacKey::from_bytes([7; 32]), 3).await.unwrap();
    store.change_api_key("key_2", None, &KeyChange::Disable(at(3)), &event()).await.unwrap();
    store.change_api_key("key_2", None, &KeyChange::Budget("5".parse().ok()), &event()).await.unwrap();
    // One user has an authenticator that waits, another one that counts, with a recovery code.
    factors::change(&*store, &FactorChange::Begin(&authenticator("fac_1"))).await.unwrap();
    factors::enrol_other(&*store).await;
    store.invite(OTHER, &links::link("invitation", 6), &event()).await.unwrap();
    store.keep_portal_link(OTHER, &links::link("portal", 6), &event()).await.unwrap();
    store.insert_user(&user(PAUSED.0), &event()).await.unwrap();
    store.change_user(PAUSED.0, &UserChange::Disable(at(3)), &event()).await.unwrap();
    store.insert_account(&account(PAUSED.1), &event()).await.unwrap();
    store.change_account(PAUSED.1, &AccountChange::Disable(at(3)), &event()).await.unwrap();
    (home, store)
}
