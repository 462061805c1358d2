//! A second factor as it is met over HTTP, at the console's two steps and at `POST login`: what is right, and what is tried.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::net::IpAddr;

use keyward_testkit::authenticator::Enrolled;
use keyward_testkit::browser::Browser;
use keyward_testkit::client::{Answer, exchange_from};
use keyward_testkit::people::{Tokens, basic};
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

const LOGIN: &str = "/_keyward/login";

fn serving(security: &str) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(&format!("security: {{{security}}}\n")).serve(&[])
}

/// Somebody who signs in.
struct Person {
    name: &'static str,
    password: String,
    factor: Enrolled,
}

impl Person {
    fn enrolled(world: &World, name: &'static str) -> Self {
        let password = world.person(name, &["--roles", "admin,operator"]);
        let factor = world.enrol(&world.console(name, &password), &password);
        Self { name, password, factor }
    }

    /// The right password, and what it gives.
    fn ticket(&self, world: &World) -> String {
        let asked = world.try_console(self.name, &self.password);
        assert_eq!((asked.status, asked.header("set-cookie")), (200, None), "{}", asked.text());
        let told = asked.json();
        assert_eq!(told.as_object().unwrap().keys().collect::<Vec<_>>(), ["secondFactor"]);
        assert_eq!(told["secondFactor"]["kinds"], json!(["totp", "recovery"]));
        let ticket = text(&told["secondFactor"], "ticket");
        world.issued.note(&ticket);
        ticket
    }

    fn login(&self, world: &World, code: &str) -> Answer {
        world.post(LOGIN, &json!({"username": self.name, "password": self.password, "code": code}))
    }
}

fn finish(world: &World, ticket: &str, code: &str) -> Answer {
    world.post_operation("/session/second-factor", &json!({"ticket": ticket, "code": code}))
}

/// A refusal, without what differs each time; it lets nobody in.
fn refusal(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.header("set-cookie")), (401, None), "{}", answer.text());
    let mut told = answer.json();
    assert_eq!(told["reason"], "Rejected", "{told}");
    told["decision"] = Value::Null;
    told
}

#[test]
fn the_console_is_entered_in_two_steps_and_each_code_opens_it_once() {
    let world = serving("throttle: {enabled: false}");
    let (ada, eve) = (Person::enrolled(&world, "ada"), Person::enrolled(&world, "eve"));
    world.person("bob", &["--roles", "operator"]);
    // The first step tells nothing to whoever does not know the password: neither who is there nor who has a second factor.
    let [with, without, nobody] =
        ["ada", "bob", "nobody"].map(|name| refusal(&world.try_console(name, "wrong and long")));
    assert_eq!((&with, &with), (&without, &nobody));
    let ticket = ada.ticket(&world);
    // Nor is half of a sign-in a session.
    for cookie in [format!("keyward-console={ticket}"), format!("keyward-session={ticket}")] {
        assert_eq!(world.operate_by("GET", "/session", &[&format!("Cookie: {cookie}")], "").status, 401);
    }
    let body = json!({"ticket": ticket, "code": ada.factor.next_code()}).to_string();
    let lines = ["Content-Type: application/json", "Origin: http://evil.example"];
    assert_eq!(world.operate_by("POST", "/session/second-factor", &lines, &body).status, 403, "a page of elsewhere");
    let told = [ada.factor.wrong_code(), eve.factor.next_code(), eve.factor.recovery[0].clone()]
        .map(|code| refusal(&finish(&world, &ticket, &code)));
    assert!(told.iter().all(|one| *one == told[0]), "wrong and of another user are told alike: {told:?}");
    // One that was used before takes its ticket along: two that show it at once are not told apart.
    let used = finish(&world, &ada.ticket(&world), &ada.factor.phone.shows(ada.factor.used));
    assert_eq!(refusal(&used), told[0]);
    let code = ada.factor.next_code();
    let browser = Browser::of(&world, &finish(&world, &ticket, &code));
    assert_eq!(browser.call("GET", "/session", "").json()["user"]["username"], "ada");
    // The ticket is used up, and so is the code, at whichever door.
    let used = refusal(&finish(&world, &ticket, &ada.factor.recovery[0]));
    assert_eq!(
        used,
        refusal(&finish(&world, "kwtic_guess", &ada.factor.recovery[0])),
        "a used ticket is as good as none"
    );
    assert_eq!(refusal(&finish(&world, &ada.ticket(&world), &code)), told[0]);
    refusal(&ada.login(&world, &code));
    // A recovery code counts once as well.
    let by_paper = Browser::of(&world, &finish(&world, &ada.ticket(&world), &ada.factor.recovery[0]));
    assert_eq!(by_paper.call("GET", "/me/second-factor", "").json(), json!({"totp": true, "recoveryCodesLeft": 9}));
    assert_eq!(refusal(&finish(&world, &ada.ticket(&world), &ada.factor.recovery[0])), told[0]);
    refusal(&ada.login(&world, &ada.factor.recovery[0]));
    // What was shown for somebody else was not used up by it.
    Browser::of(&world, &finish(&world, &eve.ticket(&world), &eve.factor.next_code()));
    Browser::of(&world, &finish(&world, &eve.ticket(&world), &eve.factor.recovery[0]));
}

#[test]
fn a_login_takes_the_code_beside_the_password_and_tells_nothing_before_the_password_is_right() {
    let world = serving("throttle: {enabled: false}, basic_auth: {enabled: true}");
    let (ada, eve) = (Person::enrolled(&world, "ada"), Person::enrolled(&world, "eve"));
    let code = ada.factor.next_code();
    let nobody = refusal(&world.try_login("nobody", "wrong and long"));
    for (name, shown) in [("ada", None), ("ada", Some(&code)), ("nobody", Some(&code))] {
        let body = json!({"username": name, "password": "wrong and long", "code": shown});
        assert_eq!(refusal(&world.post(LOGIN, &body)), nobody, "{name}");
    }
    let missing = refusal(&world.try_login("ada", &ada.password));
    assert!(text(&missing, "detail").contains("\"code\""), "{missing}");
    let by_cookie = json!({"username": "ada", "password": ada.password, "session": true});
    assert_eq!(refusal(&world.post(LOGIN, &by_cookie)), missing);
    let told = [
        ada.factor.wrong_code(),
        String::new(),
        ada.factor.phone.shows(ada.factor.used),
        eve.factor.next_code(),
        eve.factor.recovery[0].clone(),
    ]
    .map(|code| refusal(&ada.login(&world, &code)));
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    let tokens = Tokens::of(&ada.login(&world, &code));
    assert_eq!(world.token_status(&tokens.access), 200, "shown beside a wrong password it was not used up");
    for again in [code.as_str(), &format!("{} {}", &code[..3], &code[3..])] {
        assert_eq!(refusal(&ada.login(&world, again)), told[0]);
        refusal(&finish(&world, &ada.ticket(&world), again));
    }
    let mut body = by_cookie;
    body["code"] = json!(ada.factor.recovery[0]);
    let browser = Browser::of(&world, &world.post(LOGIN, &body));
    let [cookie, _] = browser.lines();
    assert_eq!(world.send("GET", "/_keyward/me", &[&cookie], "").json()["name"], "ada");
    assert_eq!(refusal(&world.post(LOGIN, &body)), told[0]);
    // What signed in goes on without another code; a refresh asks for none.
    assert_eq!(world.refresh(&tokens.refresh).status, 200);
}

#[test]
fn of_many_that_show_one_code_at_once_one_goes_on() {
    let world = serving("throttle: {enabled: false}");
    let ada = Person::enrolled(&world, "ada");
    for code in [ada.factor.next_code(), ada.factor.recovery[0].clone()] {
        let tickets = [ada.ticket(&world), ada.ticket(&world)];
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let (world, ada, code) = (&world, &ada, code.as_str());
            let doors = tickets.iter().map(|ticket| scope.spawn(move || finish(world, ticket, code).status));
            let doors: Vec<_> = doors.chain([scope.spawn(move || ada.login(world, code).status)]).collect();
            doors.into_iter().map(|door| door.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 401].contains(status)), "{statuses:?}");
    }
}

#[test]
fn basic_is_refused_as_a_wrong_password_from_the_moment_that_a_second_factor_counts() {
    let world = serving("basic_auth: {enabled: true}, throttle: {enabled: false}");
    let with_password = |name: &str, password: &str| world.send("GET", "/orders", &[&basic(name, password)], "");
    let [ada, bob] = ["ada", "bob"].map(|name| world.person(name, &["--roles", "admin,operator"]));
    // Remembered by the core that was asked, before there is a second factor.
    for _ in 0..8 {
        assert_eq!((with_password("ada", &ada).status, with_password("bob", &bob).status), (200, 200));
    }
    world.enrol(&world.console("ada", &ada), &ada);
    let wrong = refusal(&with_password("bob", "wrong and long"));
    for _ in 0..8 {
        assert_eq!(refusal(&with_password("ada", &ada)), wrong);
    }
    assert_eq!(with_password("bob", &bob).status, 200);
}

/// A request with a JSON body from an address of this machine.
fn from(place: u8, port: std::net::SocketAddr, path: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    exchange_from(IpAddr::from([127, 0, 0, place]), port, request.as_bytes()).unwrap()
}

#[test]
fn whoever_guesses_codes_waits_and_nobody_guesses_from_everywhere() {
    let world = serving("throttle: {per_subject: 3}");
    let (ada, eve) = (Person::enrolled(&world, "ada"), Person::enrolled(&world, "eve"));
    let data = world.server().data;
    let login = |place: u8, person: &Person, code: &str| {
        from(place, data, LOGIN, &json!({"username": person.name, "password": person.password, "code": code}))
    };
    // Made before it is guessed at, from another address than the one that guesses.
    let waiting = ada.ticket(&world);
    for _ in 0..3 {
        refusal(&login(2, &ada, &ada.factor.wrong_code()));
    }
    let held = login(2, &ada, &ada.factor.next_code());
    assert_eq!((held.status, text(&held.json(), "reason").as_str()), (429, "Throttled"), "{}", held.text());
    assert!((1..=60).contains(&held.header("retry-after").unwrap().parse::<u32>().unwrap()));
    let console = |path: &str, body: &Value| from(2, world.server().admin, &format!("/admin/v1{path}"), body).status;
    let shown = json!({"ticket": waiting, "code": ada.factor.next_code()});
    assert_eq!(console("/session/second-factor", &shown), 429, "at the other door, too");
    assert_eq!(console("/session", &json!({"username": "ada", "password": ada.password})), 429);
    // Who shares the address is not held back, nor is she herself elsewhere.
    Tokens::of(&login(2, &eve, &eve.factor.next_code()));
    Tokens::of(&login(3, &ada, &ada.factor.next_code()));
    // A thief of the password with many addresses: ten codes an hour, and its user comes in by paper.
    for place in 10..20 {
        refusal(&login(place, &ada, &ada.factor.wrong_code()));
    }
    for place in 20..23 {
        let held = login(place, &ada, &ada.factor.wrong_code());
        assert_eq!(held.status, 429, "{place}: {}", held.text());
        assert!(text(&held.json(), "detail").contains("recovery code"), "{}", held.text());
    }
    Tokens::of(&login(24, &ada, &ada.factor.recovery[0]));
}
