//! Cases about keys that other programs made: known by their hash until they are shown, by our own digest from then on.

use keyward_core::digest::ApiKeyDigest;
use keyward_engine::change::KeyChange;
use keyward_engine::ports::ImportedKey;

use super::Home;
use super::fixtures::{OWNER, event, fresh, key};
use super::people::hash;

pub async fn an_imported_key_is_recognised_once<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let (slow, plain) = (key("key_slow", OWNER, 1), key("key_plain", OWNER, 2));
    store.insert_api_key(&key("key_own", OWNER, 3), &event()).await.unwrap();
    store.insert_imported_key(&slow, Some(&hash("theirs")), &event()).await.unwrap();
    let head = store.insert_imported_key(&plain, None, &event()).await.unwrap();
    let known =
        |key: &keyward_core::api_key::ApiKeyRecord, digest, hash| ImportedKey { id: key.id.clone(), digest, hash };
    assert_eq!(
        store.imported_keys().await.unwrap(),
        [known(&plain, plain.digest, None), known(&slow, slow.digest, Some(hash("theirs")))]
    );
    let shown = ApiKeyDigest::of(b"as it was shown");
    for _ in 0..2 {
        store.change_api_key("key_slow", None, &KeyChange::Recognise(shown), &event()).await.unwrap();
        assert_eq!(
            store.imported_keys().await.unwrap(),
            [known(&plain, plain.digest, None), known(&slow, shown, None)]
        );
        let found = store.find(&[shown, slow.digest]).await.unwrap();
        let ids: Vec<_> = found.keys.iter().map(|one| one.as_ref().map(|joined| &*joined.key.id)).collect();
        assert_eq!(ids, [Some("key_slow"), None]);
        assert_eq!(found.head.position, head.position + 1, "the feed is told once");
    }
}
