//! A hit asks no port and allocates nothing: a decision on a known key or a remembered token under a store that panics when it
//! is asked and an allocator that counts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test, whose number `make bench` shows")]

mod world;

use std::cell::Cell;

use http::{HeaderMap, Method};
use keyward_core::decision::Decision;
use keyward_core::machine::RequestFacts;
use keyward_core::path::{PathFault, Target};
use keyward_core::plane::Plane;
use keyward_core::route::{Pattern, Route, RouteId, Routes, ScopeRules};
use keyward_core::rules::Rules;
use keyward_core::scope::ScopeSet;
use keyward_engine::worker::Begun;

#[test]
fn a_hit_asks_nobody_and_allocates_nothing() {
    for (name, world) in [
        ("known key", world::warm()),
        ("known key with two limits", world::warm_and_limited()),
        ("remembered token", world::warm_with_token()),
    ] {
        asks_nobody_and_allocates_nothing(name, &world);
    }
}

fn facts<'a>(target: &'a Result<Target<'a>, PathFault>, headers: &'a HeaderMap) -> RequestFacts<'a> {
    RequestFacts {
        plane: Plane::Data,
        client: [192, 0, 2, 1].into(),
        method: &Method::GET,
        target,
        headers: headers.into(),
    }
}

fn asks_nobody_and_allocates_nothing(name: &str, world: &world::Warm) {
    let headers = HeaderMap::from_iter([world.field.clone()]);
    let target = Target::parse("/orders?page=2");
    let facts = facts(&target, &headers);
    let passed = Cell::new(0);
    let measured = allocation_counter::measure(|| {
        for _ in 0..100 {
            let snapshot = world.worker.snapshot();
            // `begin` has no port to ask: where memory does not suffice it answers `Ask`, which counts as a failure.
            if let Begun::Decided(Decision::Allow(_)) = world.worker.begin(&snapshot, facts, &mut ()) {
                passed.set(passed.get() + 1);
            }
        }
    });
    assert_eq!(passed.get(), 100, "each was a hit");
    println!("{name}: heap allocations in 100 hits: {}", measured.count_total);
    assert_eq!(measured.count_total, 0, "allocations in 100 hits");
}

#[test]
fn a_guess_asks_nobody() {
    let world = world::warm();
    let target = Target::parse("/");
    for guess in ["x", "kw_live_guess", &world.secret.replace('0', "1").replace('a', "b")] {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", guess.parse().unwrap());
        let facts = facts(&target, &headers);
        let snapshot = world.worker.snapshot();
        let begun = world.worker.begin(&snapshot, facts, &mut ());
        assert!(matches!(begun, Begun::Decided(Decision::Deny(_))), "{guess} was not refused at once");
    }
}

/// What memory holds is who calls, never what was decided of it: of two routes each asks for its own scopes, in either order.
#[test]
fn a_hit_on_one_route_is_none_on_another() {
    let plain = world::rules();
    let open = plain.routes.get(RouteId(0)).unwrap();
    let scopes = ScopeRules { by_method: Vec::new(), otherwise: ScopeSet::parse(["orders:write"]).unwrap() };
    let strict = Route { name: "strict".into(), pattern: Pattern::parse("/strict").unwrap(), scopes, ..open.clone() };
    let world = world::warm_with(Rules { routes: Routes::new(Vec::new(), vec![strict, open.clone()]), ..plain });
    let headers = HeaderMap::from_iter([world.field.clone()]);
    for (path, passes) in [("/strict", false), ("/x", true), ("/strict?/x", false), ("/x?/strict", true)] {
        let target = Target::parse(path);
        let facts = facts(&target, &headers);
        let snapshot = world.worker.snapshot();
        let begun = world.worker.begin(&snapshot, facts, &mut ());
        assert_eq!(matches!(begun, Begun::Decided(Decision::Allow(_))), passes, "{path}");
        assert!(matches!(begun, Begun::Decided(_)), "{path} asked somebody");
    }
}
