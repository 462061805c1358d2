//! Cases about one-time links.

use keyward_engine::links::NewLink;
use keyward_engine::people::UserChange;

use super::Home;
use super::factors::code;
use super::fixtures::{OTHER, OWNER, at, event, fresh, state};
use super::people::hash;

/// A link of some token, made at a time and good for a while.
pub fn link(token: &str, created_at: i64) -> NewLink {
    NewLink { digest: code(token), created_at: at(created_at), expires_at: at(created_at + 100) }
}

pub async fn an_invitation_is_good_once_and_ends_with_what_it_was_for<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let store = &*store;
    let invite = async |user: &str, token: &str| store.invite(user, &link(token, 5), &event()).await.unwrap();
    let invited = async |token: &str| {
        let found = store.invitation(&code(token)).await.unwrap();
        found.map(|one| (one.user.owner.id, one.expires_at))
    };
    // The event is at 7, so that is when it is accepted.
    let accept = async |token: &str, password: &str| {
        let accepted = store.accept_invitation(&code(token), &hash(password), &event()).await.unwrap();
        accepted.is_some()
    };
    assert!(!invite("user_none", "none").await);
    assert!(invite(OWNER, "one").await && invite(OTHER, "other").await);
    assert!(invite(OWNER, "two").await);
    assert_eq!(invited("one").await, None, "another one takes its place");
    assert_eq!(invited("two").await, Some((OWNER.into(), at(105))));
    let before = state(store).await;
    assert!(!accept("one", "a").await && !accept("none", "a").await);
    assert_eq!(state(store).await, before);
    assert!(accept("two", "a").await);
    assert_eq!(state(store).await.position, before.position + 1);
    assert_eq!(store.user_as_of(OWNER).await.unwrap().1.unwrap().password, Some(hash("a")));
    assert!(!accept("two", "b").await, "used");
    assert_eq!(store.user_as_of(OWNER).await.unwrap().1.unwrap().password, Some(hash("a")));
    assert!(invited("other").await.is_some(), "another user's goes on");
    // Too old, and ended by what makes it pointless or dangerous.
    let old = NewLink { expires_at: at(7), ..link("old", 1) };
    assert!(store.invite(OWNER, &old, &event()).await.unwrap());
    assert!(!accept("old", "c").await);
    for change in [UserChange::Password(at(9), hash("d")), UserChange::Disable(at(9))] {
        assert!(invite(OWNER, "ended").await);
        store.change_user(OWNER, &change, &event()).await.unwrap();
        assert_eq!(invited("ended").await, None, "{change:?}");
        assert!(!accept("ended", "e").await);
    }
    assert!(!invite(OWNER, "paused").await, "nobody invites who is disabled");
}
