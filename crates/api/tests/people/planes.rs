//! Sessions of either plane: who may have one, where it counts, and what ends it.

use std::time::Duration;

use keyward_api::failure::Kind;
use keyward_api::origin::Origin;
use keyward_api::own;
use keyward_api::sessions;
use keyward_core::api_key::Rejection;
use keyward_core::plane::Plane;

use crate::world::{PASSWORD, World, password};

const PLANES: [Plane; 2] = [Plane::Data, Plane::Control];

#[tokio::test]
async fn a_cookie_of_one_plane_is_nobodys_on_the_other() {
    let world = World::new().await;
    world.person("ada", &["admin", "operator"]).await;
    for plane in PLANES {
        let browser = world.sign_in(plane, "ada").await;
        for asked in PLANES {
            let verdict = world.judge(&browser, asked).await.map(|entry| entry.principal.name);
            let expected = if asked == plane { Ok("ada".into()) } else { Err(Rejection::Unknown) };
            assert_eq!(verdict, expected, "a cookie of {plane:?} on {asked:?}");
        }
    }
}

#[tokio::test]
async fn the_console_is_for_operators_alone() {
    let world = World::with("roles: {clerk: [orders:read, 'self:*'], viewer: ['keyward:audit:read']}").await;
    for (name, roles, expected) in [
        ("oona", &["operator"][..], None),
        ("vera", &["viewer"], None),
        ("ada", &["admin"], Some(Kind::Forbidden)),
        ("carl", &["clerk", "self"], Some(Kind::Forbidden)),
        ("nora", &[], Some(Kind::Forbidden)),
    ] {
        world.person(name, roles).await;
        assert_eq!(
            world.try_sign_in(Plane::Control, name, PASSWORD).await.err().map(|why| why.kind),
            expected,
            "{name}"
        );
        // Who shows a wrong password is told of that alone.
        let guessed = world.try_sign_in(Plane::Control, name, "a wrong password").await.err().map(|why| why.kind);
        assert_eq!(guessed, Some(Kind::Unauthorized), "{name}");
        assert!(world.try_sign_in(Plane::Data, name, PASSWORD).await.is_ok(), "{name}");
    }
    let failed = world.times("session.sign_in_failed").await;
    assert!(failed >= 3 + 5, "{failed}");
}

#[tokio::test]
async fn a_user_changes_its_own_password_and_goes_on_alone() {
    let world = World::new().await;
    world.person("ada", &["operator"]).await;
    let [here, other] = [world.sign_in(Plane::Control, "ada").await, world.sign_in(Plane::Control, "ada").await];
    let data = world.sign_in(Plane::Data, "ada").await;
    let caller = world.caller(&here).await.unwrap();
    let change = async |current: &str, new: &str| {
        let pair = (password(current), password(new));
        own::password::change(&world.service, &caller, pair, &world.origin()).await.map(drop).map_err(|why| why.kind)
    };
    for (current, new, expected) in [
        ("a wrong password", "another password", Kind::Unauthorized),
        (PASSWORD, "short", Kind::Invalid),
        (PASSWORD, PASSWORD, Kind::Invalid),
    ] {
        assert_eq!(change(current, new).await, Err(expected), "{current} to {new}");
    }
    assert!(world.caller(&other).await.is_ok() && world.caller(&data).await.is_ok());
    assert_eq!(world.times("user.password_changed").await, 0);
    change(PASSWORD, "another password").await.unwrap();
    assert!(world.caller(&here).await.is_ok(), "the session that asked goes on");
    for ended in [&other, &data] {
        assert_eq!(world.caller(ended).await.err(), Some(Rejection::Revoked), "{:?}", ended.plane);
    }
    assert!(world.try_sign_in(Plane::Control, "ada", PASSWORD).await.is_err());
    assert!(world.try_sign_in(Plane::Control, "ada", "another password").await.is_ok());
    assert_eq!(world.times("user.password_changed").await, 1);
}

#[tokio::test]
async fn guesses_of_the_current_password_are_throttled_like_a_sign_in() {
    let world = World::with("security: {throttle: {per_subject: 3}}").await;
    world.person("ada", &["operator"]).await;
    let browser = world.sign_in(Plane::Control, "ada").await;
    let caller = world.caller(&browser).await.unwrap();
    let change = async |current: &str| {
        let pair = (password(current), password("another password"));
        own::password::change(&world.service, &caller, pair, &world.origin()).await.map(drop).map_err(|why| why.kind)
    };
    for _ in 0..3 {
        assert_eq!(change("a wrong password").await, Err(Kind::Unauthorized));
    }
    assert!(matches!(change(PASSWORD).await, Err(Kind::SubjectThrottled(_))));
    world.wait(Duration::from_secs(130));
    change(PASSWORD).await.unwrap();
}

#[tokio::test]
async fn own_sessions_are_listed_and_end_one_by_one_or_all_at_once() {
    let world = World::new().await;
    world.person("ada", &["operator", "self"]).await;
    world.person("eve", &["operator"]).await;
    let [first, second] = [world.sign_in(Plane::Control, "ada").await, world.sign_in(Plane::Data, "ada").await];
    let eves = world.sign_in(Plane::Control, "eve").await;
    let (ada, eve) = (world.caller(&first).await.unwrap(), world.caller(&eves).await.unwrap());
    let listed = own::sessions::list(&world.service, &ada).await.unwrap().data;
    let seen = |one: &own::sessions::OwnSessionView| (one.view.plane.clone(), one.current, one.view.client.clone());
    let mut rows: Vec<_> = listed.iter().map(seen).collect();
    rows.sort();
    let at_home = Some("192.0.2.1".to_owned());
    assert_eq!(rows, [("control".to_owned(), true, at_home.clone()), ("data".to_owned(), false, at_home)]);
    // Somebody else's is not there, in the same words as none at all.
    let of_eve = eve.credential.text().to_owned();
    let origin = world.origin();
    let refused = own::sessions::end(&world.service, &ada, &of_eve, &origin).await.unwrap_err();
    assert_eq!(refused, own::sessions::end(&world.service, &ada, "ses_none", &origin).await.unwrap_err());
    assert!(world.caller(&eves).await.is_ok());
    let second_id = world.caller(&second).await.unwrap().credential.text().to_owned();
    own::sessions::end(&world.service, &ada, &second_id, &origin).await.unwrap();
    assert_eq!(world.caller(&second).await.err(), Some(Rejection::Revoked));
    assert!(world.caller(&first).await.is_ok());
    own::sessions::end_all(&world.service, &ada, &origin).await.unwrap();
    assert_eq!(world.caller(&first).await.err(), Some(Rejection::Revoked));
    assert!(world.caller(&eves).await.is_ok(), "another user's goes on");
    assert_eq!(world.times("session.signed_out_everywhere").await, 1);
}

#[tokio::test]
async fn sessions_that_nobody_used_are_not_listed() {
    let world = World::new().await;
    world.person("ada", &["operator"]).await;
    let old = world.sign_in(Plane::Control, "ada").await;
    world.wait(Duration::from_secs(31 * 60));
    let new = world.sign_in(Plane::Control, "ada").await;
    let caller = world.caller(&new).await.unwrap();
    assert_eq!(own::sessions::list(&world.service, &caller).await.unwrap().data.len(), 1);
    assert_eq!(world.caller(&old).await.err(), Some(Rejection::Expired));
}

#[tokio::test]
async fn operators_end_sessions_of_others() {
    let world = World::new().await;
    world.person("ada", &["operator"]).await;
    let [first, second] = [world.sign_in(Plane::Control, "ada").await, world.sign_in(Plane::Data, "ada").await];
    let origin = Origin::operator(&world.service);
    let id = world.caller(&first).await.unwrap().credential.text().to_owned();
    sessions::end(&world.service, &id, &origin).await.unwrap();
    assert_eq!(world.caller(&first).await.err(), Some(Rejection::Revoked));
    assert_eq!(sessions::list_of(&world.service, "ada").await.unwrap().data.len(), 1);
    sessions::end_all_of(&world.service, "ada", &origin).await.unwrap();
    assert_eq!(world.caller(&second).await.err(), Some(Rejection::Revoked));
    assert_eq!(sessions::end(&world.service, "ses_none", &origin).await.unwrap_err().kind, Kind::NotFound);
    assert_eq!((world.times("session.ended").await, world.times("session.signed_out_everywhere").await), (1, 1));
}

#[tokio::test]
async fn a_key_or_a_token_does_nothing_to_sessions() {
    let world = World::new().await;
    world.person("ada", &["operator"]).await;
    let browser = world.sign_in(Plane::Control, "ada").await;
    for kind in [keyward_core::principal::Kind::ApiKey, keyward_core::principal::Kind::Jwt] {
        let caller = keyward_core::principal::Principal { kind, ..world.caller(&browser).await.unwrap() };
        let origin = world.origin();
        let pair = (password(PASSWORD), password("another password"));
        for refused in [
            own::sessions::list(&world.service, &caller).await.map(drop),
            own::sessions::end_all(&world.service, &caller, &origin).await.map(drop),
            own::password::change(&world.service, &caller, pair, &origin).await.map(drop),
        ] {
            assert_eq!(refused.unwrap_err().kind, Kind::Forbidden);
        }
    }
    assert!(world.caller(&browser).await.is_ok());
}
