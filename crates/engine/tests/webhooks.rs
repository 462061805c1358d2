//! A worker and the deliveries of webhooks: nothing is let pass without the body, and what runs needs it no more.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod world;

use std::time::Duration;

use http::{HeaderMap, Method};
use keyward_core::decision::{Decision, Fault};
use keyward_core::machine::RequestFacts;
use keyward_core::path::Target;
use keyward_core::plane::Plane;
use keyward_core::rules::Rules;
use keyward_core::scheme::{Carrier, CredentialKind, Scheme};
use keyward_core::webhook::{Form, Webhook, WebhookSecret};
use keyward_engine::worker::{Begun, Ending, Proved, Worker};

/// The example of GitHub's own documentation.
const SECRET: &str = "It's a Secret to Everybody";
const BODY: &[u8] = b"Hello, World!";
const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

fn rules() -> Rules {
    let form = Form::Hmac { header: "x-hub-signature-256".parse().unwrap(), timestamp: None };
    let webhook = Webhook::new("github", form, vec![WebhookSecret::of(SECRET)], Duration::from_secs(300), 1024);
    let carrier = Carrier::Webhook(Box::new(webhook));
    let scheme = Scheme { name: "github".into(), carrier, kind: CredentialKind::Webhook };
    let mut rules = world::rules();
    *rules.schemes.first_mut().unwrap() = scheme;
    rules
}

#[test]
fn a_signature_waits_for_the_body_and_what_runs_for_none() {
    let world = world::warm_with(rules());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(decide(&world.worker));
}

async fn decide(worker: &Worker) {
    let target = Target::parse("/");
    let mut headers = HeaderMap::new();
    headers.insert("x-hub-signature-256", SIGNATURE.parse().unwrap());
    let method = Method::POST;
    let client = "192.0.2.1".parse().unwrap();
    let facts =
        RequestFacts { plane: Plane::Data, client, method: &method, target: &target, headers: (&headers).into() };
    let snapshot = worker.snapshot();
    for (body, passes) in [(BODY, true), (b"Hello, World", false), (b"", false)] {
        let Begun::Body(awaiting) = worker.begin(&snapshot, facts, &mut ()) else { panic!("no body was asked for") };
        assert_eq!(awaiting.most(), 1024);
        let Proved { begun, delivery } = worker.prove(&snapshot, awaiting, body, &mut ()).unwrap();
        let decision = worker.finish(&snapshot, begun, &mut ()).await.unwrap();
        assert_eq!(matches!(decision, Decision::Allow(_)), passes, "{decision:?}");
        assert!(delivery.is_none(), "no time was signed");
    }
    // A door without a body lets nobody pass, and says that it could not find out.
    assert_eq!(worker.decide(&snapshot, facts).await.unwrap_err(), Fault::NoBody);
    assert_eq!(worker.judge_again(facts).await, Ok(()));
    let gone = HeaderMap::new();
    let facts = RequestFacts { headers: (&gone).into(), ..facts };
    assert_eq!(worker.judge_again(facts).await, Err(Ending::Unrouted));
}
