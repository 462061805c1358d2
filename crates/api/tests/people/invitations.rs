//! Invitations: a link is good once, for its time, and for whom it was made.

use std::time::Duration;

use keyward_api::failure::{Failure, Kind};
use keyward_api::origin::Origin;
use keyward_api::people::invitations;
use keyward_api::people::users::{self, UserToMake};
use keyward_api::sign_in::passwords::Password;
use keyward_core::api_key::Rejection;
use keyward_core::plane::Plane;
use keyward_engine::people::UserChange;

use crate::world::{PASSWORD, World, password};

async fn invite(world: &World, username: &str) -> Password {
    let made = invitations::make(&world.service, username, &Origin::operator(&world.service)).await.unwrap();
    assert_eq!(made.link.expose(), format!("/console/#/invite/{}", made.token.expose()));
    made.token
}

async fn accept(world: &World, token: &Password, with: &str) -> Result<(), Failure> {
    invitations::accept(&world.service, token, password(with), &world.origin()).await
}

async fn look(world: &World, token: &Password) -> Result<String, Failure> {
    invitations::look(&world.service, token, &world.origin()).await.map(|invited| invited.username)
}

async fn newcomer(world: &World, username: &str) {
    let user = UserToMake { username: username.into(), roles: Some(vec!["operator".into()]), ..UserToMake::default() };
    users::create(&world.service, &user, None, &Origin::operator(&world.service)).await.unwrap();
}

#[tokio::test]
async fn whoever_is_invited_sets_its_password_once() {
    let world = World::new().await;
    newcomer(&world, "ada").await;
    let token = invite(&world, "ada").await;
    assert_eq!(look(&world, &token).await.unwrap(), "ada");
    assert_eq!(accept(&world, &token, "short").await.unwrap_err().kind, Kind::Invalid);
    assert_eq!(look(&world, &token).await.unwrap(), "ada", "a weak password uses nothing up");
    accept(&world, &token, PASSWORD).await.unwrap();
    let browser = world.sign_in(Plane::Control, "ada").await;
    let used = accept(&world, &token, "another password").await.unwrap_err();
    assert_eq!(used.kind, Kind::NotFound);
    assert!(world.caller(&browser).await.is_ok() && world.try_sign_in(Plane::Data, "ada", PASSWORD).await.is_ok());
    // Who has a password already gets another one by it, and what was begun with the old one ends.
    let token = invite(&world, "ada").await;
    accept(&world, &token, "another password").await.unwrap();
    assert_eq!(world.caller(&browser).await.err(), Some(Rejection::Revoked));
    assert!(world.try_sign_in(Plane::Data, "ada", PASSWORD).await.is_err());
    let told = world.told().await;
    let ada = users::find(&world.service, "ada").await.unwrap().owner.id;
    for (action, actor) in [("user.invited", "operator"), ("user.invitation_accepted", &*ada)] {
        assert_eq!(told.iter().filter(|one| **one == (action.to_owned(), actor.to_owned())).count(), 2, "{action}");
    }
}

#[tokio::test]
async fn of_two_at_once_one_is_let_in() {
    let world = World::new().await;
    newcomer(&world, "ada").await;
    let token = invite(&world, "ada").await;
    let both = tokio::join!(accept(&world, &token, PASSWORD), accept(&world, &token, "another password"));
    assert!(both.0.is_ok() != both.1.is_ok());
}

#[tokio::test]
async fn a_link_that_does_not_count_is_told_like_one_that_never_was() {
    let world = World::new().await;
    for name in ["ada", "bob", "carl", "dora"] {
        newcomer(&world, name).await;
    }
    let replaced = invite(&world, "ada").await;
    let used = invite(&world, "ada").await;
    accept(&world, &used, PASSWORD).await.unwrap();
    let disabled = invite(&world, "bob").await;
    let operator = Origin::operator(&world.service);
    users::change(&world.service, "bob", &UserChange::Disable(operator.at), &operator).await.unwrap();
    let refused = invitations::make(&world.service, "bob", &operator).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
    let overtaken = invite(&world, "carl").await;
    users::set_password(&world.service, "carl", password(PASSWORD), &operator).await.unwrap();
    let late = invite(&world, "dora").await;
    let guess = password("kwinv_guess");
    let never = look(&world, &guess).await.unwrap_err();
    assert_eq!(never.kind, Kind::NotFound);
    let counts_for_nothing = async |token, what| {
        assert_eq!(look(&world, token).await.unwrap_err(), never, "{what}");
        assert_eq!(accept(&world, token, "another password").await.unwrap_err(), never, "{what}");
    };
    // None of these is old: what else is wrong with it must be enough.
    for (token, what) in [
        (&replaced, "another one was made"),
        (&used, "used"),
        (&disabled, "of a disabled user"),
        (&overtaken, "another password was set"),
        (&guess, "a guess"),
    ] {
        counts_for_nothing(token, what).await;
    }
    // Enabling a user brings no link back.
    users::change(&world.service, "bob", &UserChange::Enable, &operator).await.unwrap();
    counts_for_nothing(&disabled, "of a user who was disabled").await;
    assert_eq!(look(&world, &late).await.unwrap(), "dora");
    world.wait(Duration::from_secs(72 * 3600));
    counts_for_nothing(&late, "too old").await;
}

#[tokio::test]
async fn guesses_of_links_are_throttled_and_who_has_one_is_not() {
    let world = World::with("security: {throttle: {per_address: 3}}").await;
    newcomer(&world, "ada").await;
    let token = invite(&world, "ada").await;
    for _ in 0..3 {
        assert_eq!(look(&world, &password("kwinv_guess")).await.unwrap_err().kind, Kind::NotFound);
    }
    assert!(matches!(look(&world, &password("kwinv_guess")).await.unwrap_err().kind, Kind::Throttled(_)));
    assert_eq!(look(&world, &token).await.unwrap(), "ada");
}
