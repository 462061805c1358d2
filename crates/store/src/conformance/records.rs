//! Cases about users and keys: kept, found, listed, changed.

use std::sync::Arc;

use keyward_core::principal::Mode;
use keyward_core::scope::ScopeSet;
use keyward_engine::change::{KeyChange, Refusal};
use keyward_engine::ports::{Outcome, Page, Store, Use};

use super::Home;
use super::fixtures::{OTHER, OWNER, at, event, fresh, key, state, user};

fn replace() -> KeyChange {
    KeyChange::Replace { at: at(50), overlap_ends_at: at(90) }
}

pub async fn a_key_comes_back_as_it_was_kept<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let plain = key("key_plain", OWNER, 10);
    let mut full = key("key_full", OWNER, 11);
    full.account = Some("acc_1".into());
    full.name = "Ünï \"quoted\" 'name'\n; --".into();
    full.mode = Mode::Test;
    full.scopes = Some(ScopeSet::parse(["orders:*", "billing:read"]).unwrap());
    full.allowed_ips = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    full.external_id = Some("42".into());
    full.expires_at = Some(at(i64::MAX));
    full.last_used_at = Some(at(0));
    full.disabled_at = Some(at(12));
    full.revoked_at = Some(at(13));
    full.revoked_reason = Some("leaked".into());
    full.replaces = Some("key_plain".into());
    full.overlap_ends_at = Some(at(-1));
    full.line = Some("key_first".into());
    let mut bare = key("key_bare", OWNER, 12);
    bare.scopes = Some(ScopeSet::default());
    for kept in [&plain, &full, &bare] {
        let head = store.insert_api_key(kept, &event()).await.unwrap();
        assert_eq!(store.identity().await.unwrap().head, head);
        let joined = store.api_key(&kept.id).await.unwrap().unwrap();
        assert_eq!((&joined.key, &*joined.owner.id), (kept, OWNER));
        assert_eq!(joined.owner.roles, [Box::from("r")]);
        assert_eq!(store.find(&[kept.digest]).await.unwrap().keys, [Some(joined)]);
    }
    assert_eq!(store.api_key("key_none").await.unwrap(), None);
    store.ping().await.unwrap();
}

pub async fn digests_are_answered_in_their_order<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let keys: Vec<_> = (0..40).map(|n| key(&format!("key_{n}"), OWNER, n)).collect();
    for kept in &keys[..35] {
        store.insert_api_key(kept, &event()).await.unwrap();
    }
    let asked: Vec<_> = keys.iter().rev().chain(&keys[..2]).map(|key| key.digest).collect();
    let found = store.find(&asked).await.unwrap();
    assert_eq!(found.head, store.identity().await.unwrap().head);
    let ids: Vec<_> = found.keys.iter().map(|joined| joined.as_ref().map(|joined| &*joined.key.id)).collect();
    let expected = keys.iter().enumerate().map(|(n, key)| (n < 35).then_some(&*key.id));
    let expected: Vec<_> = expected.clone().rev().chain(expected.take(2)).collect();
    assert_eq!(ids, expected);
    assert!(store.find(&[]).await.unwrap().keys.is_empty());
}

pub async fn users_are_made_once<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let mut again = user("user_again");
    again.username = user(OWNER).username;
    let owner = store.ensure_user(&again, &event()).await.unwrap();
    assert_eq!((&*owner.id, &owner.disabled_at), (OWNER, &None));
    assert_eq!(store.user_by_name(&again.username).await.unwrap(), Some(owner.clone()));
    assert_eq!(store.user(OWNER).await.unwrap(), Some(owner));
    assert_eq!(store.user("user_again").await.unwrap(), None);
    assert_eq!(store.user_by_name("nobody").await.unwrap(), None);
}

pub async fn pages_are_newest_first<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    // Ties in time are broken by id, so that no page repeats or skips a key.
    let made = [("key_b", 5), ("key_a", 5), ("key_c", 5), ("key_old", 1), ("key_new", 9), ("key_zero", 0)];
    for (id, created_at) in made {
        store.insert_api_key(&key(id, OWNER, created_at), &event()).await.unwrap();
    }
    store.insert_api_key(&key("key_other", OTHER, 5), &event()).await.unwrap();
    let owners = ["key_new", "key_c", "key_b", "key_a", "key_old", "key_zero"];
    let all = ["key_new", "key_other", "key_c", "key_b", "key_a", "key_old", "key_zero"];
    for (owner, expected) in [(Some(OWNER), &owners[..]), (None, &all[..]), (Some("user_none"), &[])] {
        for limit in 1..=8 {
            assert_eq!(pages(&*store, owner, limit).await, expected, "{owner:?} by {limit}");
        }
    }
}

async fn pages(store: &dyn Store, owner: Option<&str>, limit: u32) -> Vec<String> {
    let mut page = Page { after: None, limit };
    let mut ids = Vec::new();
    loop {
        let keys = store.api_keys(owner, &page).await.unwrap();
        assert!(keys.len() <= limit as usize);
        let Some(last) = keys.last() else { return ids };
        page.after = Some((last.key.created_at, last.key.id.clone()));
        ids.extend(keys.iter().map(|joined| joined.key.id.to_string()));
    }
}

pub async fn somebody_elses_key_is_not_found<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    let before = state(&*store).await;
    let mut successor = key("key_2", OTHER, 2);
    for (id, owner) in [("key_1", Some(OTHER)), ("key_none", Some(OWNER)), ("key_none", None)] {
        let revoke = KeyChange::Revoke(at(2), None);
        assert!(matches!(store.change_api_key(id, owner, &revoke, &event()).await.unwrap(), Outcome::NotFound));
        successor.replaces = Some(id.into());
        assert!(matches!(
            store.rotate_api_key(owner, &replace(), &successor, &event()).await.unwrap(),
            Outcome::NotFound
        ));
    }
    assert_eq!(state(&*store).await, before);
}

pub async fn changes_are_kept_and_repeating_one_writes_nothing<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let mut expected = key("key_1", OWNER, 1);
    store.insert_api_key(&expected, &event()).await.unwrap();
    let changes = [
        KeyChange::Rename("another".into()),
        KeyChange::Disable(at(2)),
        KeyChange::Enable,
        KeyChange::Disable(at(3)),
        KeyChange::Revoke(at(4), Some("leaked".into())),
    ];
    for (change, owner) in changes.into_iter().zip([Some(OWNER), None].into_iter().cycle()) {
        change.apply(&mut expected).unwrap();
        for told in [1, 0] {
            let before = store.identity().await.unwrap().head;
            let Outcome::Done(head, joined) = store.change_api_key("key_1", owner, &change, &event()).await.unwrap()
            else {
                panic!("{change:?} was not done")
            };
            assert_eq!((head.epoch, head.position), (before.epoch, before.position + told), "{change:?}");
            assert_eq!(store.identity().await.unwrap().head, head);
            assert_eq!(joined.key, expected);
            assert_eq!(store.api_key("key_1").await.unwrap(), Some(*joined));
        }
    }
}

pub async fn refusals_leave_everything_as_it_was<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let mut keys = ["revoked", "disabled", "expired", "replaced"].map(|id| key(id, OWNER, 1));
    keys[0].revoked_at = Some(at(2));
    keys[1].disabled_at = Some(at(2));
    keys[2].expires_at = Some(at(50));
    keys[3].overlap_ends_at = Some(at(99));
    for kept in &keys {
        store.insert_api_key(kept, &event()).await.unwrap();
    }
    let before = state(&*store).await;
    for change in [KeyChange::Rename("x".into()), KeyChange::Disable(at(3)), KeyChange::Enable, replace()] {
        let outcome = store.change_api_key("revoked", None, &change, &event()).await.unwrap();
        assert!(matches!(outcome, Outcome::Refused(Refusal::Revoked)), "{change:?}: {outcome:?}");
    }
    for (old, why) in keys.iter().zip([Refusal::Revoked, Refusal::Disabled, Refusal::Expired, Refusal::Replaced]) {
        let mut successor = key("successor", OWNER, 50);
        successor.replaces = Some(old.id.clone());
        let outcome = store.rotate_api_key(None, &replace(), &successor, &event()).await.unwrap();
        assert!(matches!(outcome, Outcome::Refused(refusal) if refusal == why), "{}: {outcome:?}", old.id);
    }
    assert_eq!(state(&*store).await, before);
}

pub async fn a_rotation_is_both_or_neither<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let old = key("key_old", OWNER, 1);
    store.insert_api_key(&old, &event()).await.unwrap();
    let mut successor = key("key_new", OWNER, 50);
    let before = state(&*store).await;
    assert!(matches!(store.rotate_api_key(None, &replace(), &successor, &event()).await.unwrap(), Outcome::NotFound));
    successor.replaces = Some(old.id.clone());
    let mut twin = successor.clone();
    twin.digest = old.digest;
    store.rotate_api_key(None, &replace(), &twin, &event()).await.unwrap_err();
    assert_eq!(state(&*store).await, before);

    let Outcome::Done(head, joined) =
        store.rotate_api_key(Some(OWNER), &replace(), &successor, &event()).await.unwrap()
    else {
        panic!("not rotated")
    };
    let after = state(&*store).await;
    assert_eq!((head.position, joined.key.overlap_ends_at), (after.position, Some(at(90))));
    assert_eq!(after.keys.iter().map(|joined| &joined.key).collect::<Vec<_>>(), [&successor, &joined.key]);
    // Both are told, and both by the head that is answered.
    assert_eq!(after.told[1..], [(2, "key_old".into()), (3, "key_new".into())]);
}

pub async fn what_cannot_be_kept_leaves_nothing<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let kept = key("key_1", OWNER, 1);
    store.insert_api_key(&kept, &event()).await.unwrap();
    let before = state(&*store).await;
    let mut same_digest = key("key_2", OWNER, 2);
    same_digest.digest = kept.digest;
    for refused in [kept, same_digest, key("key_3", "user_none", 3)] {
        store.insert_api_key(&refused, &event()).await.unwrap_err();
        assert_eq!(state(&*store).await, before);
    }
}

pub async fn the_latest_use_wins<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    for id in ["key_1", "key_2", "key_3"] {
        store.insert_api_key(&key(id, OWNER, 1), &event()).await.unwrap();
    }
    let position = state(&*store).await.position;
    let used = |id: &str, millis| Use { id: id.into(), at: at(millis) };
    store.record_uses(&[used("key_1", 7), used("key_2", 5), used("key_1", 3), used("key_none", 9)]).await.unwrap();
    store.record_uses(&[used("key_1", 6), used("key_2", 6)]).await.unwrap();
    store.record_uses(&[]).await.unwrap();
    let after = state(&*store).await;
    let uses: Vec<_> = after.keys.iter().map(|joined| (&*joined.key.id, joined.key.last_used_at)).collect();
    assert_eq!(uses, [("key_3", None), ("key_2", Some(at(6))), ("key_1", Some(at(7)))]);
    assert_eq!(after.position, position, "uses are not told to the feed");
}

pub async fn reopening_keeps_everything<H: Home>() {
    let (home, store) = fresh::<H>().await;
    store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    store.change_api_key("key_1", None, &KeyChange::Disable(at(2)), &event()).await.unwrap();
    let (before, identity) = (state(&*store).await, store.identity().await.unwrap());
    store.close().await.unwrap();
    let store = home.open(Arc::default()).await;
    let again = store.identity().await.unwrap();
    assert_eq!((again.head, again.tag_key.expose()), (identity.head, identity.tag_key.expose()));
    assert_eq!(state(&*store).await, before);
    let elsewhere = fresh::<H>().await.1.identity().await.unwrap();
    assert_ne!((elsewhere.head.epoch, elsewhere.tag_key.expose()), (identity.head.epoch, identity.tag_key.expose()));
}

pub async fn a_closed_store_says_so<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    store.close().await.unwrap();
    store.identity().await.unwrap_err();
    store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap_err();
    store.ping().await.unwrap_err();
}
