//! Cases about keys of others: taken in by what was kept of them, proven once, told to the feed.

use keyward_core::digest::ApiKeyDigest;
use keyward_engine::people::PasswordHash;
use keyward_engine::ports::{Change, FeedHead, ForeignHash, HashedKey, Imported, ImportedKey, Store};

use super::Home;
use super::fixtures::{OWNER, event, fresh, key};

pub fn imported(id: &str, hash: Option<ForeignHash>) -> ImportedKey {
    ImportedKey { key: key(id, OWNER, 10), mark: mark(id), begins: "sk_".into(), hash }
}

fn mark(id: &str) -> [u8; 32] {
    *ApiKeyDigest::of(id.as_bytes()).as_bytes()
}

fn slow(text: &str) -> ForeignHash {
    ForeignHash::Slow(PasswordHash(text.into()))
}

/// What the feed told of keys of others since a place: the digests, or that there is one that only a hash is known of.
async fn told(store: &dyn Store, after: FeedHead) -> Vec<Option<ApiKeyDigest>> {
    let changes = store.changes(after).await.unwrap();
    assert!(!changes.lost);
    let told = changes.changes.iter().filter_map(|change| match change {
        Change::ImportedKey(_, digest) => Some(*digest),
        _ => None,
    });
    told.collect()
}

pub async fn a_key_of_others_is_found_by_what_was_kept_of_it_and_proven_once<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let before = store.identity().await.unwrap().head;
    for (id, hash) in
        [("key_plain", None), ("key_quick", Some(ForeignHash::Lookup([7; 32]))), ("key_slow", Some(slow("$2b$x")))]
    {
        let head = store.import_api_key(&imported(id, hash), &event()).await.unwrap();
        assert_eq!(store.identity().await.unwrap().head, head);
        assert_eq!(store.api_key(id).await.unwrap().unwrap().key, key(id, OWNER, 10));
    }
    let plain = ApiKeyDigest::of(b"key_plain");
    assert!(store.is_imported(&mark("key_quick")).await.unwrap());
    assert!(!store.is_imported(&mark("key_none")).await.unwrap());
    assert_eq!(told(&*store, before).await, [Some(plain), None, None]);
    assert_eq!(store.imported_keys().await.unwrap(), Imported { digests: vec![plain], unproven: 2 });
    assert_eq!(store.imported_by(&[[6; 32], [7; 32]]).await.unwrap().as_deref(), Some("key_quick"));
    assert_eq!(store.imported_by(&[[6; 32]]).await.unwrap(), None);
    let hashed = HashedKey { id: "key_slow".into(), begins: "sk_".into(), hash: PasswordHash("$2b$x".into()) };
    assert_eq!(store.hashed_keys().await.unwrap(), [hashed]);

    let after = store.identity().await.unwrap().head;
    let events = store.audit_state().await.unwrap().last;
    for (id, digest) in [("key_quick", b"quick"), ("key_slow", b"slow!")] {
        let digest = ApiKeyDigest::of(digest);
        assert!(store.prove_imported(id, &digest, &event()).await.unwrap());
        assert!(!store.prove_imported(id, &ApiKeyDigest::of(b"another"), &event()).await.unwrap(), "proven twice");
        assert!(store.is_imported(&mark(id)).await.unwrap(), "it can come again");
        let found = store.find(&[digest]).await.unwrap().keys.remove(0).unwrap();
        assert_eq!((&*found.key.id, found.key.digest), (id, digest));
    }
    assert!(!store.prove_imported("key_plain", &ApiKeyDigest::of(b"another"), &event()).await.unwrap());
    assert!(!store.prove_imported("key_none", &ApiKeyDigest::of(b"another"), &event()).await.unwrap());
    assert_eq!(store.audit_state().await.unwrap().last, events + 2, "an event without a change");
    let (quick, slow) = (ApiKeyDigest::of(b"quick"), ApiKeyDigest::of(b"slow!"));
    assert_eq!(told(&*store, after).await, [Some(quick), Some(slow)]);
    assert_eq!(store.imported_by(&[[7; 32]]).await.unwrap(), None, "what others kept of it is still there");
    assert!(store.hashed_keys().await.unwrap().is_empty());
    assert_eq!(store.imported_keys().await.unwrap().unproven, 0);
}

pub async fn peppers_come_back_in_their_order<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    for sealed in [&b"second to none"[..], b"third"] {
        store.keep_pepper(sealed, &event()).await.unwrap();
    }
    let kept = store.peppers().await.unwrap();
    assert_eq!(kept, [Box::from(&b"second to none"[..]), Box::from(&b"third"[..])]);
}
