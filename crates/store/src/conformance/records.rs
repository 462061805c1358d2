//! Cases about users and keys: kept, found, listed, changed.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::principal::Mode;
use keyward_core::scope::ScopeSet;
use keyward_engine::change::{KeyChange, Refusal};
use keyward_engine::ports::{KeyFilter, KeyPage, Outcome, Store, Use};
use keyward_engine::sightings::Seen;

use super::Home;
use super::fixtures::{OTHER, OWNER, at, event, fresh, key, state, user};
use super::listings::listed;

fn replace() -> KeyChange {
    KeyChange::Replace { at: at(50), overlap_ends_at: at(90), quiet: None }
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
            let filter = KeyFilter { owner: owner.map(Into::into), ..KeyFilter::default() };
            assert_eq!(pages(&*store, &filter, limit).await, expected, "{owner:?} by {limit}");
        }
    }
}

pub async fn keys_are_listed_by_what_became_of_them<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    for (id, owner, made, used, account, ends) in [
        ("key_old", OWNER, 10, None, None, None),
        ("key_used", OWNER, 10, Some(50), Some("acc_1"), None),
        ("key_idle", OTHER, 10, Some(20), Some("acc_1"), None),
        ("key_new", OTHER, 40, None, None, Some(60)),
        ("key_over", OWNER, 10, Some(15), None, Some(30)),
    ] {
        let mut kept = key(id, owner, made);
        kept.account = account.map(Into::into);
        kept.expires_at = ends.map(at);
        store.insert_api_key(&kept, &event()).await.unwrap();
        let uses: Vec<Use> = used.into_iter().map(|used| Use { id: id.into(), at: at(used), by: None }).collect();
        store.record_uses(&uses).await.unwrap();
    }
    let none = KeyFilter::default;
    for (filter, expected) in [
        (KeyFilter { unused_since: Some(at(21)), ..none() }, &["key_over", "key_old", "key_idle"][..]),
        (KeyFilter { unused_since: Some(at(20)), ..none() }, &["key_over", "key_old"]),
        (KeyFilter { unused_since: Some(at(10)), ..none() }, &[]),
        (KeyFilter { made_before: Some(at(40)), ..none() }, &["key_used", "key_over", "key_old", "key_idle"]),
        (KeyFilter { made_before: Some(at(10)), ..none() }, &[]),
        (KeyFilter { account: Some("acc_1".into()), ..none() }, &["key_used", "key_idle"]),
        (KeyFilter { account: Some("acc_1".into()), owner: Some(OTHER.into()), ..none() }, &["key_idle"]),
        (
            KeyFilter { unused_since: Some(at(99)), made_before: Some(at(11)), owner: Some(OWNER.into()), ..none() },
            &["key_used", "key_over", "key_old"],
        ),
        (KeyFilter { living_at: Some(at(30)), ..none() }, &["key_new", "key_used", "key_old", "key_idle"]),
        (KeyFilter { living_at: Some(at(60)), ..none() }, &["key_used", "key_old", "key_idle"]),
    ] {
        for limit in [1, 2, 9] {
            assert_eq!(pages(&*store, &filter, limit).await, expected, "{filter:?} by {limit}");
        }
    }
    store.change_api_key("key_used", None, &KeyChange::Revoke(at(61), None), &event()).await.unwrap();
    let living = KeyFilter { living_at: Some(at(62)), ..none() };
    assert_eq!(pages(&*store, &living, 9).await, ["key_old", "key_idle"]);
}

async fn pages(store: &dyn Store, filter: &KeyFilter, limit: u32) -> Vec<String> {
    listed(store, filter, KeyPage::first(limit)).await
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
    let used = |id: &str, millis| Use { id: id.into(), at: at(millis), by: None };
    store.record_uses(&[used("key_1", 7), used("key_2", 5), used("key_1", 3), used("key_none", 9)]).await.unwrap();
    store.record_uses(&[used("key_1", 6), used("key_2", 6)]).await.unwrap();
    store.record_uses(&[]).await.unwrap();
    let after = state(&*store).await;
    let uses: Vec<_> = after.keys.iter().map(|joined| (&*joined.key.id, joined.key.last_used_at)).collect();
    assert_eq!(uses, [("key_3", None), ("key_2", Some(at(6))), ("key_1", Some(at(7)))]);
    assert_eq!(after.position, position, "uses are not told to the feed");
}

/// A use by somebody who says that it is this.
fn use_by(id: &str, agent: &str, millis: i64) -> Use {
    let seen = Seen { client: [192, 0, 2, 1].into(), agent: agent.into(), route: "all".into() };
    Use { id: id.into(), at: at(millis), by: Some(Box::new(seen)) }
}

pub async fn who_still_uses_a_key_is_kept_and_bounded<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    store.record_uses(&[use_by("key_1", "a", 5), use_by("key_1", "b", 6), use_by("key_1", "a", 4)]).await.unwrap();
    store.record_uses(&[use_by("key_1", "b", 3), use_by("key_2", "c", 9)]).await.unwrap();
    let seen = async |id: &str| {
        let overlap = store.overlap(id).await.unwrap();
        overlap.seen.into_iter().map(|one| (one.agent.to_string(), one.last_at)).collect::<Vec<_>>()
    };
    assert_eq!(seen("key_1").await, [("b".to_owned(), at(6)), ("a".to_owned(), at(5))], "later times win");
    assert_eq!(store.api_key("key_1").await.unwrap().unwrap().key.last_used_at, Some(at(6)));
    let many: Vec<Use> = (0..200).map(|number| use_by("key_1", &format!("agent {number}"), 100 + number)).collect();
    store.record_uses(&many).await.unwrap();
    let kept = seen("key_1").await;
    assert_eq!((kept.len(), &*kept[0].0, kept[49].1), (50, "agent 199", at(250)));
    assert_eq!(seen("key_2").await.len(), 1, "another key's are its own");
    assert_eq!(seen("key_none").await, []);
}

pub async fn an_overlap_is_quiet_only_after_its_last_use<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    for (id, quiet) in [("key_quiet", Some(10)), ("key_dated", None)] {
        store.insert_api_key(&key(id, OWNER, 1), &event()).await.unwrap();
        let mut successor = key(&format!("{id}_new"), OWNER, 50);
        successor.replaces = Some(id.into());
        let quiet = quiet.map(Duration::from_millis);
        let replace = KeyChange::Replace { at: at(50), overlap_ends_at: at(1000), quiet };
        store.rotate_api_key(None, &replace, &successor, &event()).await.unwrap();
        assert_eq!(store.overlap(id).await.unwrap().quiet, quiet);
    }
    let used = |millis| Use { id: "key_quiet".into(), at: at(millis), by: None };
    let quiet = async |millis| store.quiet_overlaps(at(millis)).await.unwrap();
    let it = [Box::from("key_quiet")];
    store.record_uses(&[used(40)]).await.unwrap();
    assert_eq!((quiet(59).await, quiet(60).await), (vec![], it.to_vec()), "it counts from when it was replaced");
    store.record_uses(&[used(70)]).await.unwrap();
    assert_eq!((quiet(79).await, quiet(80).await), (vec![], it.to_vec()), "and from each use");
    assert_eq!(quiet(1000).await, [], "it is over anyway");
    for told in [1, 0] {
        let before = state(&*store).await.position;
        let end = KeyChange::EndOverlap(at(85));
        let outcome = store.change_api_key("key_quiet", None, &end, &event()).await.unwrap();
        let Outcome::Done(head, joined) = outcome else { panic!("not ended") };
        assert_eq!((head.position, joined.key.overlap_ends_at), (before + told, Some(at(85))));
    }
    assert_eq!(quiet(90).await, []);
    let never = store.change_api_key("key_dated_new", None, &KeyChange::EndOverlap(at(85)), &event()).await.unwrap();
    let Outcome::Done(_, joined) = never else { panic!("refused") };
    assert_eq!(joined.key.overlap_ends_at, None, "a key that was not replaced has no overlap to end");
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
