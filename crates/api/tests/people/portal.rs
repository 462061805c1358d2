//! The customer portal: a link lets in once, for some minutes, to the affairs of one account and nothing else.

use std::time::Duration;

use keyward_api::failure::{Failure, Kind};
use keyward_api::origin::Origin;
use keyward_api::people::accounts::{self, NewAccount};
use keyward_api::people::users;
use keyward_api::portal::links;
use keyward_api::sign_in::cookie::CookieSession;
use keyward_api::sign_in::passwords::Password;
use keyward_core::api_key::Rejection;
use keyward_core::plane::Plane;
use keyward_engine::people::{AccountChange, UserChange};

use crate::world::{Browser, World, password};

const CONFIG: &str = "portal: {path: /portal}";

async fn account(world: &World, name: &str) {
    let new = NewAccount { name: name.into(), external_id: Some(format!("customer {name}")), ..NewAccount::default() };
    accounts::create(&world.service, &new, &Origin::operator(&world.service)).await.unwrap();
}

async fn link(world: &World, which: &str) -> Password {
    let made = links::make(&world.service, which, &Origin::operator(&world.service)).await.unwrap();
    password(made.link.expose().strip_prefix("/portal/#/enter/").unwrap())
}

async fn enter(world: &World, token: &Password) -> Result<CookieSession, Failure> {
    links::enter(&world.service, token, &world.origin()).await
}

fn browser(session: &CookieSession) -> Browser {
    Browser { plane: Plane::Data, cookie: session.cookie.expose().to_owned() }
}

#[tokio::test]
async fn a_link_lets_an_account_in_once() {
    let world = World::with(CONFIG).await;
    account(&world, "acme").await;
    account(&world, "other").await;
    let token = link(&world, "customer acme").await;
    let session = enter(&world, &token).await.unwrap();
    let principal = world.caller(&browser(&session)).await.unwrap();
    assert!(principal.name.starts_with("portal.acc_") && principal.account.is_some());
    let again = enter(&world, &token).await.err().unwrap();
    assert_eq!(again.kind, Kind::NotFound);
    assert!(world.caller(&browser(&session)).await.is_ok(), "who came first stays in");
    // Of two at once one is let in.
    let token = link(&world, "acme").await;
    let both = tokio::join!(enter(&world, &token), enter(&world, &token));
    assert!(both.0.is_ok() != both.1.is_ok());
    // One account, one user; another account, another one.
    let one = both.0.or(both.1).unwrap();
    assert_eq!(world.caller(&browser(&one)).await.unwrap().id, principal.id);
    let other = enter(&world, &link(&world, "other").await).await.unwrap();
    let other = world.caller(&browser(&other)).await.unwrap();
    assert!(other.id != principal.id && other.account != principal.account);
    // Nothing of it opens the operators' port.
    assert_eq!(world.judge(&browser(&session), Plane::Control).await.err(), Some(Rejection::Unknown));
}

#[tokio::test]
async fn a_link_that_does_not_count_is_told_like_one_that_never_was() {
    let world = World::with(CONFIG).await;
    account(&world, "acme").await;
    let used = link(&world, "acme").await;
    enter(&world, &used).await.unwrap();
    let late = link(&world, "acme").await;
    world.wait(Duration::from_secs(599));
    assert!(enter(&world, &link(&world, "acme").await).await.is_ok());
    world.wait(Duration::from_secs(1));
    let never = enter(&world, &password("kwprt_guess")).await.err().unwrap();
    assert_eq!(never.kind, Kind::NotFound);
    for (token, what) in [(&used, "used"), (&late, "too old")] {
        assert_eq!(enter(&world, token).await.err().unwrap(), never, "{what}");
    }
    assert_eq!(world.times("session.signed_in").await, 2);
}

#[tokio::test]
async fn a_session_by_a_link_is_never_more_than_own_affairs() {
    let wide = "portal: {path: /portal}\nroles: {self: ['*', 'keyward:keys:write'], clerk: ['orders:read']}";
    let world = World::with(wide).await;
    account(&world, "acme").await;
    let session = enter(&world, &link(&world, "acme").await).await.unwrap();
    let principal = world.caller(&browser(&session)).await.unwrap();
    assert_eq!(principal.grants.scopes().as_list(), "self:*");
    let operator = Origin::operator(&world.service);
    let roles = UserChange::Roles(vec!["clerk".into()]);
    users::change(&world.service, &principal.id, &roles, &operator).await.unwrap();
    let narrowed = world.caller(&browser(&session)).await.unwrap();
    assert_eq!(narrowed.grants.scopes().as_list(), "", "other roles give nothing here");
}

#[tokio::test]
async fn it_ends_with_its_account_and_its_user() {
    let world = World::with(CONFIG).await;
    account(&world, "acme").await;
    let operator = Origin::operator(&world.service);
    let session = enter(&world, &link(&world, "acme").await).await.unwrap();
    let user = world.caller(&browser(&session)).await.unwrap().id;
    let waiting = link(&world, "acme").await;
    let disable = AccountChange::Disable(operator.at);
    accounts::change(&world.service, "acme", disable, &operator).await.unwrap();
    assert_eq!(world.caller(&browser(&session)).await.err(), Some(Rejection::Revoked));
    assert_eq!(enter(&world, &waiting).await.err().unwrap().kind, Kind::NotFound);
    let refused = links::make(&world.service, "acme", &operator).await.err().unwrap();
    assert_eq!(refused.kind, Kind::Conflict);
    accounts::change(&world.service, "acme", AccountChange::Enable, &operator).await.unwrap();
    users::change(&world.service, &user, &UserChange::Disable(operator.at), &operator).await.unwrap();
    assert_eq!(links::make(&world.service, "acme", &operator).await.err().unwrap().kind, Kind::Conflict);
    let none = links::make(&world.service, "nobody", &operator).await.err().unwrap();
    assert_eq!(none.kind, Kind::NotFound);
    let off = World::new().await;
    account(&off, "acme").await;
    let refused = links::make(&off.service, "acme", &Origin::operator(&off.service)).await.err().unwrap();
    assert_eq!(refused.kind, Kind::Conflict, "the portal is off");
}
