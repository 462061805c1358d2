//! Cases about one-time links.

use keyward_core::session::SessionRecord;
use keyward_engine::links::NewLink;
use keyward_engine::people::{AccountChange, UserChange};
use keyward_engine::ports::NewUser;

use super::Home;
use super::cookies::cookie_session;
use super::factors::code;
use super::fixtures::{OTHER, OWNER, at, event, fresh, state, user};
use super::people::{hash, signed_in};

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

pub fn portal_user(name: &str) -> NewUser {
    NewUser { id: name.into(), username: name.into(), account: Some("acc_1".into()), ..user(name) }
}

pub async fn a_link_to_the_portal_begins_one_session_of_whom_it_is_for<H: Home>() {
    let (_home, store) = signed_in::<H>().await;
    let store = &*store;
    let named = async |account: &str, new: &str| {
        let found = store.portal_user(account, &portal_user(new), &event()).await.unwrap();
        found.map(|user| user.id.to_string())
    };
    assert_eq!(named("acc_none", "user_p").await, None);
    assert_eq!(named("acc_1", OWNER).await, None, "a name that is taken");
    let before = state(store).await.users.len();
    assert_eq!(named("acc_1", "user_p").await, Some("user_p".into()));
    assert_eq!(named("acc_1", "user_q").await, Some("user_p".into()), "made once");
    assert_eq!(state(store).await.users.len(), before + 1);
    let keep = async |user: &str, token: &str| store.keep_portal_link(user, &link(token, 5), &event()).await.unwrap();
    assert!(!keep("user_none", "none").await);
    assert!(keep("user_p", "one").await && keep("user_p", "two").await);
    let begin = async |id: &str, user: &str, token: &str, at_millis: i64| {
        let session =
            SessionRecord { user: user.into(), created_at: at(at_millis), portal: true, ..cookie_session(id) };
        let begun = store.begin_portal_session(&session, &code(token), &code(id), &event()).await.unwrap();
        begun.map(|held| held.session.portal)
    };
    assert_eq!(store.portal_link(&code("one")).await.unwrap().unwrap().id, "user_p".into());
    assert_eq!(begin("ses_5", OWNER, "one", 9).await, None, "of another user");
    assert_eq!(begin("ses_5", "user_p", "three", 9).await, None, "none");
    assert_eq!(begin("ses_5", "user_p", "one", 105).await, None, "too old");
    assert_eq!(begin("ses_5", "user_p", "one", 104).await, Some(true));
    assert_eq!(begin("ses_6", "user_p", "one", 9).await, None, "used");
    assert_eq!(store.portal_link(&code("one")).await.unwrap(), None);
    store.change_account("acc_1", &AccountChange::Disable(at(9)), &event()).await.unwrap();
    assert_eq!(begin("ses_6", "user_p", "two", 9).await, None, "its account is paused");
    assert!(!keep("user_p", "four").await);
}
