//! Cases about what is done once.

use keyward_engine::once::{Begun, Once};

use super::Home;
use super::fixtures::at;

fn once(name: u8, request: u8, seconds: i64) -> Once {
    Once { name: [name; 32], request: [request; 32], at: at(seconds) }
}

pub async fn what_is_to_be_done_once_is_begun_once_and_answered_alike<H: Home>() {
    let home = H::new();
    let store = home.open(std::sync::Arc::default()).await;
    let begin = async |one: Once, before: i64| store.begin_once(&one, at(before)).await.unwrap();
    let first = once(1, 1, 100);
    assert_eq!(begin(first, 0).await, Begun::New);
    assert_eq!(begin(once(1, 1, 200), 0).await, Begun::Running(at(100)));
    assert_eq!(begin(once(1, 2, 200), 0).await, Begun::Other, "another request under the same name");
    assert_eq!(begin(once(2, 1, 200), 0).await, Begun::New, "the same request under another name");
    store.end_once(&first.name, Some(b"sealed")).await.unwrap();
    assert_eq!(begin(once(1, 1, 300), 0).await, Begun::Done((*b"sealed").into()));
    assert_eq!(begin(once(1, 2, 300), 0).await, Begun::Other);
    // What failed may come again; what was answered stays.
    store.end_once(&[2; 32], None).await.unwrap();
    assert_eq!(begin(once(2, 1, 300), 0).await, Begun::New);
    store.end_once(&first.name, None).await.unwrap();
    assert_eq!(begin(once(1, 1, 300), 0).await, Begun::Done((*b"sealed").into()));
    assert_eq!(begin(once(1, 1, 400), 101).await, Begun::New, "forgotten with time");
}
