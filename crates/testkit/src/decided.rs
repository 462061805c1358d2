//! What a world kept of decisions and usage, as its commands and endpoints tell it.

use serde_json::Value;

use crate::world::World;

/// The decisions that a filter finds, newest first.
pub fn decisions(world: &World, flags: &[&str]) -> Vec<Value> {
    world.json(&[&["decisions", "list", "--limit", "0"], flags].concat())["data"].as_array().expect("a list").clone()
}

/// How many decisions these stand for.
pub fn sum(decisions: &[Value]) -> u64 {
    decisions.iter().map(|one| one["count"].as_u64().expect("a number")).sum()
}

/// All of a caller's usage of one route, by its own endpoint.
pub fn usage(world: &World, key: &str, route: &str) -> u64 {
    let answer = world.get("/_keyward/usage", key);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let rows = answer.json()["data"].as_array().expect("a list").clone();
    let of_route: Vec<Value> = rows.into_iter().filter(|row| row["route"] == route).collect();
    sum(&of_route)
}
