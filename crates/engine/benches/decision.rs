//! The cost of one decision in memory: a known key, one with limits, a guess.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

#[path = "../tests/world/mod.rs"]
mod world;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, Method};
use keyward_core::machine::RequestFacts;
use keyward_core::path::Target;
use keyward_engine::worker::Begun;

fn decision(criterion: &mut Criterion) {
    let (world, limited) = (world::warm(), world::warm_and_limited());
    for (name, world, secret) in [
        ("known key", &world, world.secret.as_str()),
        ("known key with two limits", &limited, limited.secret.as_str()),
        ("guess", &world, "kw_live_not_a_key_of_this_server_at_all"),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("host", "api.example".parse().unwrap());
        headers.insert("user-agent", "bench".parse().unwrap());
        headers.insert("x-api-key", secret.parse().unwrap());
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let target = Target::parse(black_box("/orders/1234?page=2"));
                let facts = RequestFacts {
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
