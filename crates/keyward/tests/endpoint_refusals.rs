//! What an own endpoint refuses after the door let it in: recorded, explained and counted as that refusal.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::decided::{decisions, sum};
use keyward_testkit::world::{World, text, until};

#[test]
fn what_an_endpoint_refuses_is_a_refusal_alone_and_counted() {
    for fold_above in [500, 1] {
        let world = World::new(env!("CARGO_BIN_EXE_keyward"))
            .config(&format!("decisions: {{fold_above_per_second: {fold_above}}}"))
            .serve(&[]);
        let password = world.person("ada", &["--roles", "admin,self"]);
        let tokens = world.login("ada", &password);
        let renewed = world.refresh(&tokens.refresh);
        assert_eq!(renewed.status, 200);
        let bearer = format!("Authorization: Bearer {}", tokens.access);
        let json = "Content-Type: application/json";
        let keys = |headers: &[&str], body: &str| world.send("POST", "/_keyward/api-keys", headers, body);
        let gone = || world.send("DELETE", "/_keyward/api-keys/key_gone", &[&bearer], "");
        let large = format!("{{\"username\":\"{}\",\"password\":\"x\"}}", "x".repeat(10_000));
        let refusals: Vec<(&str, Vec<keyward_testkit::client::Answer>)> = vec![
            ("Invalid", (0..4).map(|_| keys(&[json, &bearer], "{\"name\":7}")).collect()),
            ("Invalid", (0..4).map(|_| keys(&[&bearer], "{\"name\":\"x\"}")).collect()),
            ("NotFound", (0..4).map(|_| gone()).collect()),
            ("TooLarge", (0..4).map(|_| world.send("POST", "/_keyward/login", &[json], &large)).collect()),
            ("Rejected", (0..4).map(|_| world.try_login("ada", "wrong password")).collect()),
            ("Rejected", (0..2).map(|_| world.refresh(&tokens.refresh)).collect()),
        ];
        let mut statuses = Vec::new();
        for (reason, answers) in refusals {
            for answer in answers {
                statuses.push(answer.status);
                let id = text(&answer.json(), "decision");
                assert_eq!(answer.header("keyward-decision"), Some(&*id));
                assert_eq!(text(&answer.json(), "reason"), reason, "{}", answer.text());
                let told = world.json(&["explain", &id]);
                let mut found = told["found"].as_array().unwrap().iter();
                assert!(found.all(|one| one["outcome"] == reason), "{told}");
                assert!(told["advice"].is_string() && told["found"][0]["detail"].is_string(), "{told}");
                assert!(!told["text"][0].as_str().unwrap().contains("allowed"), "{told}");
            }
        }
        statuses.dedup();
        assert_eq!(statuses, [400, 415, 404, 413, 401]);
        until("every decision", || (sum(&decisions(&world, &[])) >= 24).then_some(()));
        assert_eq!(sum(&decisions(&world, &["--outcome", "Rejected"])), 6);
        assert_eq!(sum(&decisions(&world, &["--outcome", "Invalid"])), 8);
        // What was let through is told as that, and the usage is by the same words.
        let allowed = decisions(&world, &["--outcome", "allowed"]);
        assert_eq!(sum(&allowed), 2, "{allowed:?}");
        let user = world.login("ada", &password);
        let answer = world.with_token("GET", "/_keyward/usage", &user.access);
        let rows = answer.json()["data"].as_array().unwrap().clone();
        let count = |outcome: &str| -> u64 {
            rows.iter().filter(|row| row["outcome"] == outcome).map(|row| row["count"].as_u64().unwrap()).sum()
        };
        assert_eq!((count("Invalid"), count("NotFound"), count("allowed")), (8, 4, 0), "{rows:?}");
    }
}
