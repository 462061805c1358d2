//! The cost of one decision in memory: a known key, one with limits, a remembered token, a guess.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

#[path = "../tests/world/mod.rs"]
mod world;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Method};
use keyward_core::machine::RequestFacts;
use keyward_core::path::Target;
use keyward_core::plane::Plane;
use keyward_engine::worker::Begun;

fn decision(criterion: &mut Criterion) {
    let (key, limited, token) = (world::warm(), world::warm_and_limited(), world::warm_with_token());
    let guess = HeaderValue::from_static("kw_live_not_a_key_of_this_server_at_all");
    for (name, world, credential) in [
        ("known key", &key, key.field.clone()),
        ("known key with two limits", &limited, limited.field.clone()),
        ("remembered token", &token, token.field.clone()),
        ("guess", &key, (key.field.0.clone(), guess)),
    ] {
        let mut headers = HeaderMap::from_iter([credential]);
        headers.insert("host", "api.example".parse().unwrap());
        headers.insert("user-agent", "bench".parse().unwrap());
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let target = Target::parse(black_box("/orders/1234?page=2"));
                let facts = RequestFacts {
                    plane: Plane::Data,
                    client: "192.0.2.1".parse().unwrap(),
                    method: &Method::GET,
                    target: &target,
                    headers: (&headers).into(),
                };
                let snapshot = world.worker.snapshot();
                assert!(matches!(world.worker.begin(&snapshot, facts, &mut ()), Begun::Decided(_)));
            });
        });
    }
}

criterion_group!(benches, decision);
criterion_main!(benches);
