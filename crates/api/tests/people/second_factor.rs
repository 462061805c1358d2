//! Second factors: enrolled, asked for at every door, good once, guessed by nobody, and removed.

use std::time::Duration;

use keyward_api::failure::{Failure, Kind};
use keyward_api::origin::Origin;
use keyward_api::own;
use keyward_api::own::second_factor::FactorsView;
use keyward_api::people::users;
use keyward_api::sign_in;
use keyward_api::sign_in::Shown;
use keyward_api::sign_in::console::FirstStep;
use keyward_api::sign_in::cookie::CookieSession;
use keyward_core::plane::Plane;
use keyward_core::principal::Principal;

use crate::world::{Browser, HOME, PASSWORD, World, password};

/// A phone with a user's secret.
struct Phone(Vec<u8>);

impl Phone {
    fn of(secret: &str) -> Self {
        const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
        for c in secret.chars() {
            held = held << 5 | u32::try_from(ALPHABET.find(c).unwrap()).unwrap();
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                bytes.push(u8::try_from(held >> bits & 0xff).unwrap());
            }
        }
        Self(bytes)
    }

    /// What it shows, so many steps from now.
    fn shows(&self, world: &World, steps: i64) -> String {
        use aws_lc_rs::hmac;
        let step = world.service.now().wall.as_millis() / 30_000 + steps;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag[19] & 15);
        let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

/// A user with a second factor: its phone, and its recovery codes.
async fn enrolled(world: &World, username: &str) -> (Phone, Vec<String>) {
    world.person(username, &["operator"]).await;
    let browser = world.sign_in(Plane::Control, username).await;
    let caller = world.caller(&browser).await.unwrap();
    let made = own::second_factor::begin(&world.service, &caller, password(PASSWORD), &world.origin()).await.unwrap();
    assert!(made.uri.starts_with(&format!("otpauth://totp/keyward:{username}?secret={}&", *made.secret)));
    let phone = Phone::of(&made.secret);
    let code = password(&phone.shows(world, 0));
    let codes = own::second_factor::confirm(&world.service, &caller, &code, &world.origin()).await.unwrap();
    // Beyond the step that confirmed it.
    world.wait(Duration::from_secs(30));
    (phone, codes.recovery_codes)
}

async fn ticket(world: &World, username: &str) -> String {
    let first = sign_in::console::begin(&world.service, username, password(PASSWORD), &world.origin()).await;
    let FirstStep::SecondFactor(asked) = first.unwrap() else { panic!("a session by the password alone") };
    assert_eq!(asked.kinds, ["totp", "recovery"]);
    asked.ticket.expose().to_owned()
}

async fn finish(world: &World, ticket: &str, code: &str) -> Result<CookieSession, Kind> {
    finish_from(world, ticket, code, &world.origin()).await.map_err(|why| why.kind)
}

async fn finish_from(world: &World, ticket: &str, code: &str, origin: &Origin) -> Result<CookieSession, Failure> {
    sign_in::console::finish(&world.service, ticket, &password(code), origin).await
}

/// A sign-in on the data plane, in one step.
async fn at_once(world: &World, username: &str, code: Option<&str>) -> Result<CookieSession, Kind> {
    let shown = Shown { username, password: password(PASSWORD), code: code.map(password) };
    sign_in::cookie::sign_in(&world.service, shown, &world.origin()).await.map_err(|why| why.kind)
}

async fn caller(world: &World, session: &CookieSession) -> Principal {
    world.caller(&Browser { plane: Plane::Control, cookie: session.cookie.expose().to_owned() }).await.unwrap()
}

#[tokio::test]
async fn it_counts_once_it_is_confirmed_and_then_at_every_door() {
    let world = World::new().await;
    world.person("ada", &["operator"]).await;
    let browser = world.sign_in(Plane::Control, "ada").await;
    let ada = world.caller(&browser).await.unwrap();
    let (service, origin) = (&world.service, world.origin());
    let wrong = own::second_factor::begin(service, &ada, password("a wrong password"), &origin).await.err().unwrap();
    assert_eq!(wrong.kind, Kind::Unauthorized);
    let first = own::second_factor::begin(service, &ada, password(PASSWORD), &origin).await.unwrap();
    let second = own::second_factor::begin(service, &ada, password(PASSWORD), &origin).await.unwrap();
    assert_ne!(*first.secret, *second.secret);
    assert!(at_once(&world, "ada", None).await.is_ok(), "it does not count yet");
    let phone = Phone::of(&second.secret);
    for code in [Phone::of(&first.secret).shows(&world, 0), phone.shows(&world, 3), "000000".into(), String::new()] {
        let refused = own::second_factor::confirm(service, &ada, &password(&code), &origin).await.err().unwrap();
        assert_eq!(refused.kind, Kind::Invalid, "{code}");
    }
    assert!(at_once(&world, "ada", None).await.is_ok(), "nor after wrong codes");
    let code = phone.shows(&world, 0);
    let codes = own::second_factor::confirm(service, &ada, &password(&code), &origin).await.unwrap().recovery_codes;
    assert_eq!(codes.len(), 10);
    let view = own::second_factor::look(service, &ada).await.unwrap();
    assert_eq!(view, FactorsView { totp: true, recovery_codes_left: 10 });
    assert_eq!(at_once(&world, "ada", None).await.err(), Some(Kind::SecondFactor));
    assert_eq!(at_once(&world, "ada", Some(&code)).await.err(), Some(Kind::SecondFactor), "the code that confirmed it");
    world.wait(Duration::from_secs(30));
    assert!(at_once(&world, "ada", Some(&phone.shows(&world, 0))).await.is_ok());
    let ticket = ticket(&world, "ada").await;
    let spelt = phone.shows(&world, 1);
    assert!(finish(&world, &ticket, &format!(" {} {} ", &spelt[..3], &spelt[3..])).await.is_ok());
    // Neither another one nor the same one beside it.
    let again = own::second_factor::begin(service, &ada, password(PASSWORD), &world.origin()).await.err().unwrap();
    assert_eq!(again.kind, Kind::Conflict);
    let told = world.told().await;
    for action in ["user.second_factor_begun", "user.second_factor_enrolled"] {
        assert!(told.iter().any(|(one, actor)| one == action && *actor == *ada.id), "{action}");
    }
}

#[tokio::test]
async fn one_that_waits_too_long_is_begun_anew() {
    let world = World::new().await;
    world.person("ada", &["operator"]).await;
    let browser = world.sign_in(Plane::Control, "ada").await;
    let ada = world.caller(&browser).await.unwrap();
    let made = own::second_factor::begin(&world.service, &ada, password(PASSWORD), &world.origin()).await.unwrap();
    world.wait(Duration::from_secs(15 * 60));
    let code = password(&Phone::of(&made.secret).shows(&world, 0));
    let late = own::second_factor::confirm(&world.service, &ada, &code, &world.origin()).await.err().unwrap();
    assert_eq!(late.kind, Kind::Conflict);
}

#[tokio::test]
async fn a_code_is_good_once_whichever_door_it_is_shown_at() {
    let world = World::new().await;
    let (phone, _) = enrolled(&world, "ada").await;
    let code = phone.shows(&world, 0);
    let [first, second, third] =
        [ticket(&world, "ada").await, ticket(&world, "ada").await, ticket(&world, "ada").await];
    assert!(finish(&world, &first, &code).await.is_ok());
    assert_eq!(finish(&world, &second, &code).await.err(), Some(Kind::SecondFactor), "by another ticket");
    assert_eq!(at_once(&world, "ada", Some(&code)).await.err(), Some(Kind::SecondFactor), "on the data plane");
    assert_eq!(finish(&world, &third, &phone.shows(&world, -1)).await.err(), Some(Kind::SecondFactor), "an older one");
    // Of many that show the same at once, one goes on.
    world.wait(Duration::from_secs(60));
    let code = phone.shows(&world, 0);
    let tickets = [ticket(&world, "ada").await, ticket(&world, "ada").await, ticket(&world, "ada").await];
    let [a, b, c] = &tickets;
    let all = tokio::join!(finish(&world, a, &code), finish(&world, b, &code), finish(&world, c, &code));
    let done = [all.0.is_ok(), all.1.is_ok(), all.2.is_ok()].into_iter().filter(|done| *done).count();
    assert_eq!(done, 1);
}

#[tokio::test]
async fn a_ticket_is_of_one_user_one_sign_in_and_some_minutes() {
    let world = World::new().await;
    let (adas, _) = enrolled(&world, "ada").await;
    let (eves, of_eve) = enrolled(&world, "eve").await;
    let of_ada = ticket(&world, "ada").await;
    for (code, what) in [(eves.shows(&world, 0), "her own code"), (of_eve[0].clone(), "her own recovery code")] {
        assert_eq!(finish(&world, &of_ada, &code).await.err(), Some(Kind::SecondFactor), "{what}");
    }
    // With all of its codes left, so that only its use ends it.
    let fresh = ticket(&world, "ada").await;
    let session = finish(&world, &fresh, &adas.shows(&world, 0)).await.unwrap();
    assert_eq!(&*caller(&world, &session).await.name, "ada");
    world.wait(Duration::from_secs(60));
    assert_eq!(finish(&world, &fresh, &adas.shows(&world, 0)).await.err(), Some(Kind::Unauthorized), "used");
    let late = ticket(&world, "ada").await;
    world.wait(Duration::from_secs(300));
    assert_eq!(finish(&world, &late, &adas.shows(&world, 0)).await.err(), Some(Kind::Unauthorized), "too old");
    for guess in ["", "kwtic_guess", &late.replace('a', "b")] {
        assert_eq!(finish(&world, guess, &adas.shows(&world, 0)).await.err(), Some(Kind::Unauthorized), "{guess}");
    }
    // A password that is another by now, and a user who is paused, end what waits.
    let waiting = ticket(&world, "ada").await;
    users::set_password(&world.service, "ada", password("another password"), &Origin::operator(&world.service))
        .await
        .unwrap();
    assert_eq!(finish(&world, &waiting, &adas.shows(&world, 0)).await.err(), Some(Kind::Unauthorized));
}

#[tokio::test]
async fn guesses_end_the_ticket_and_then_hold_back_the_user_from_everywhere() {
    let world = World::new().await;
    let (phone, codes) = enrolled(&world, "ada").await;
    let mut held = None;
    for place in 0..40_u8 {
        // Another address each time, so that the throttle of addresses has nothing to say.
        let from = world.from([198, 51, 100, place]);
        let ticket = ticket(&world, "ada").await;
        match finish_from(&world, &ticket, "000000", &from).await.err().unwrap().kind {
            Kind::SecondFactor => assert_eq!(held, None, "looked at again"),
            Kind::SubjectThrottled(seconds) => held = held.or(Some((place, seconds))),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(held.unwrap().0, 10, "so many codes are looked at in an hour");
    let waiting = ticket(&world, "ada").await;
    assert!(matches!(finish(&world, &waiting, &phone.shows(&world, 0)).await, Err(Kind::SubjectThrottled(_))));
    let saved = ticket(&world, "ada").await;
    assert!(finish(&world, &saved, &codes[0]).await.is_ok(), "its user comes in by a recovery code");
    assert!(at_once(&world, "ada", Some(&phone.shows(&world, 0))).await.is_ok(), "and that forgives the guesses");
    // One ticket is good for a few codes only.
    world.wait(Duration::from_secs(3600));
    let one = ticket(&world, "ada").await;
    for place in 0..5_u8 {
        let refused = finish_from(&world, &one, "000000", &world.from([203, 0, 113, place])).await.err().unwrap();
        assert_eq!(refused.kind, Kind::SecondFactor);
    }
    assert_eq!(finish(&world, &one, &phone.shows(&world, 0)).await.err(), Some(Kind::Unauthorized));
}

#[tokio::test]
async fn guesses_are_throttled_where_they_come_from_and_recorded() {
    let world = World::with("security: {throttle: {per_subject: 3}}").await;
    let (phone, _) = enrolled(&world, "ada").await;
    let waiting = ticket(&world, "ada").await;
    for _ in 0..3 {
        assert_eq!(finish(&world, &waiting, "000000").await.err(), Some(Kind::SecondFactor));
    }
    assert!(matches!(finish(&world, &waiting, &phone.shows(&world, 0)).await, Err(Kind::SubjectThrottled(_))));
    let elsewhere = world.from([198, 51, 100, 1]);
    assert!(finish_from(&world, &waiting, &phone.shows(&world, 0), &elsewhere).await.is_ok(), "from elsewhere");
    world.service.attempts.settle(&world.service, true).await;
    assert!(world.times("session.sign_in_failed").await >= 3);
    assert_eq!(HOME, [192, 0, 2, 1]);
}

#[tokio::test]
async fn a_recovery_code_is_good_once_and_of_one_user() {
    let world = World::new().await;
    let (phone, codes) = enrolled(&world, "ada").await;
    let session = finish(&world, &ticket(&world, "ada").await, &codes[3].to_uppercase()).await.unwrap();
    let ada = caller(&world, &session).await;
    let left = async || own::second_factor::look(&world.service, &ada).await.unwrap().recovery_codes_left;
    assert_eq!(left().await, 9);
    assert_eq!(finish(&world, &ticket(&world, "ada").await, &codes[3]).await.err(), Some(Kind::SecondFactor));
    assert_eq!(at_once(&world, "ada", Some(&codes[3])).await.err(), Some(Kind::SecondFactor));
    let pair = [ticket(&world, "ada").await, ticket(&world, "ada").await];
    let both = tokio::join!(finish(&world, &pair[0], &codes[4]), finish(&world, &pair[1], &codes[4]));
    assert!(both.0.is_ok() != both.1.is_ok(), "of two at once one goes on");
    assert_eq!(left().await, 8);
    // Others take their place, for whoever knows the password.
    let origin = world.origin();
    let renew = async |with: &str| own::second_factor::renew_codes(&world.service, &ada, password(with), &origin).await;
    assert_eq!(renew("a wrong password").await.err().unwrap().kind, Kind::Unauthorized);
    let others = renew(PASSWORD).await.unwrap().recovery_codes;
    assert_eq!(left().await, 10);
    assert_eq!(at_once(&world, "ada", Some(&codes[5])).await.err(), Some(Kind::SecondFactor));
    assert!(at_once(&world, "ada", Some(&others[0])).await.is_ok());
    assert!(at_once(&world, "ada", Some(&phone.shows(&world, 0))).await.is_ok());
}

#[tokio::test]
async fn it_is_removed_by_password_and_code_or_by_an_operator() {
    let world = World::new().await;
    let (phone, codes) = enrolled(&world, "ada").await;
    let session = finish(&world, &ticket(&world, "ada").await, &codes[0]).await.unwrap();
    let ada = caller(&world, &session).await;
    let remove = async |with: &str, code: &str| {
        let shown = (password(with), &password(code));
        let removed = own::second_factor::remove(&world.service, &ada, shown, &world.origin()).await;
        removed.map(drop).map_err(|why| why.kind)
    };
    assert_eq!(remove("a wrong password", &phone.shows(&world, 0)).await, Err(Kind::Unauthorized));
    assert_eq!(remove(PASSWORD, "000000").await, Err(Kind::SecondFactor));
    assert_eq!(remove(PASSWORD, &codes[0]).await, Err(Kind::SecondFactor), "used before");
    remove(PASSWORD, &phone.shows(&world, 0)).await.unwrap();
    assert!(at_once(&world, "ada", None).await.is_ok());
    assert_eq!(remove(PASSWORD, &codes[1]).await, Err(Kind::Conflict), "its recovery codes are gone with it");

    enrolled(&world, "eve").await;
    assert_eq!(at_once(&world, "eve", None).await.err(), Some(Kind::SecondFactor));
    let operator = Origin::operator(&world.service);
    let changed = users::remove_second_factor(&world.service, "eve", &operator).await.unwrap();
    assert!(!changed.view.second_factor);
    assert!(at_once(&world, "eve", None).await.is_ok());
    let none = users::remove_second_factor(&world.service, "eve", &operator).await.unwrap_err();
    assert_eq!(none.kind, Kind::Conflict);
    let told = world.told().await;
    let removed: Vec<_> = told.iter().filter(|(action, _)| action == "user.second_factor_removed").collect();
    assert_eq!(removed.iter().map(|(_, actor)| &**actor).collect::<Vec<_>>(), [&*ada.id, "operator"]);
}

#[tokio::test]
async fn whoever_has_one_cannot_use_basic() {
    let world =
        World::with("security: {basic_auth: {enabled: true}}\nroutes: [{name: all, path: /**, schemes: [basic]}]")
            .await;
    world.person("bob", &["operator"]).await;
    enrolled(&world, "ada").await;
    assert!(world.basic("bob", PASSWORD).await);
    assert!(!world.basic("bob", "a wrong password").await);
    assert!(!world.basic("ada", PASSWORD).await);
}
