//! What a template changes of an answer, and what it never does.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use keyward_core::decision::DecisionId;
use keyward_core::route::Endpoint;
use keyward_http::problem::{Answer, Problem};
use keyward_http::templates::names::{REASONS, subject};
use keyward_http::templates::tree::Tree;
use keyward_http::templates::{AlsoTold, Refusal, Response, Responses};
use serde_json::{Map, Value, json};

/// One template by its name.
fn responses(all: &[(&str, Option<u16>, Option<Value>)]) -> Responses {
    all.iter()
        .map(|(name, status, body)| {
            let fields = subject(name).unwrap().fields;
            let body = body.as_ref().map(|body| Tree::compile(body, fields).unwrap());
            ((*name).into(), Response::new(status.map(|status| StatusCode::from_u16(status).unwrap()), body))
        })
        .collect()
}

fn problem() -> Answer {
    let mut answer =
        Problem::new(StatusCode::FORBIDDEN, "Forbidden", "Forbidden", "A \"reason\"\n.").answer(DecisionId::default());
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("7"));
    answer
}

fn refusal<'a>(reason: &'a str, cause: Option<&'a str>, endpoint: Option<Endpoint>) -> Refusal<'a> {
    Refusal { endpoint, reason, cause, limit: None }
}

fn body(answer: &Answer) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

#[test]
fn the_nearest_name_counts() {
    let said = |text: &str| Some(json!(text));
    let all = responses(&[
        ("Rejected", None, said("reason")),
        ("Rejected.revoked", None, said("cause")),
        ("login.Rejected", None, said("endpoint")),
    ]);
    let rows = [
        (refusal("Rejected", None, None), Some("reason")),
        (refusal("Rejected", Some("expired"), Some(Endpoint::Me)), Some("reason")),
        (refusal("Rejected", Some("revoked"), Some(Endpoint::Me)), Some("cause")),
        (refusal("Rejected", Some("revoked"), Some(Endpoint::Login)), Some("endpoint")),
        (refusal("Forbidden", None, Some(Endpoint::Login)), None),
    ];
    for (refusal, told) in rows {
        let mut answer = problem();
        all.refuse(refusal, &mut answer);
        match told {
            Some(told) => assert_eq!(body(&answer), told, "{refusal:?}"),
            None => assert_eq!(answer.body(), problem().body(), "{refusal:?}"),
        }
    }
}

#[test]
fn headers_stay_and_a_401_has_a_challenge() {
    for made in [None, Some(json!({"no": true})), Some(json!({"why": "${detail}", "wait": "${decision}"}))] {
        let mut answer = problem();
        responses(&[("Forbidden", Some(401), made.clone())]).refuse(refusal("Forbidden", None, None), &mut answer);
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()[RETRY_AFTER], "7");
        assert_eq!(answer.headers()["keyward-decision"], problem().headers()["keyward-decision"]);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()[CONTENT_LENGTH], answer.body().len().to_string());
        assert!(answer.headers()[WWW_AUTHENTICATE].to_str().unwrap().starts_with("ApiKey"));
        let kind = if made.is_none() { "application/problem+json" } else { "application/json" };
        assert_eq!(answer.headers()[CONTENT_TYPE], kind);
        if made.is_none() {
            assert_eq!((&body(&answer)["status"], &body(&answer)["title"]), (&json!(401), &json!("Unauthorized")));
        }
    }
}

#[test]
fn an_endpoint_that_failed_is_not_told_as_one_that_did_not() {
    let all = responses(&[("ready", Some(200), Some(json!({"up": "${status}"})))]);
    let mut answer = Answer::new(r#"{"status":"not ready"}"#.into());
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    all.answer(Endpoint::Ready, &Method::GET, &mut answer);
    assert_eq!((answer.status().as_u16(), body(&answer)), (503, json!({"status": "not ready"})));
    *answer.status_mut() = StatusCode::OK;
    all.answer(Endpoint::Ready, &Method::GET, &mut answer);
    assert_eq!(body(&answer), json!({"up": "not ready"}));
}

#[test]
fn what_has_no_body_gets_one_with_its_status_and_extensions_are_told() {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    responses(&[("logout", None, Some(json!({"success": true})))]).answer(Endpoint::Logout, &Method::POST, &mut answer);
    assert_eq!((answer.status().as_u16(), body(&answer)), (200, json!({"success": true})));
    let mut answer = Answer::new(r#"{"access_token":"t"}"#.into());
    answer.extensions_mut().insert(AlsoTold(Map::from_iter([("access_expires_at".to_owned(), json!("soon"))])));
    let made = json!({"token": "${access_token}", "until": "${access_expires_at}", "user": "${user.id}"});
    responses(&[("login", None, Some(made))]).answer(Endpoint::Login, &Method::POST, &mut answer);
    assert_eq!(body(&answer), json!({"token": "t", "until": "soon", "user": null}));
}

#[test]
fn every_field_of_every_refusal_can_be_told_of_any_answer() {
    for (reason, _, fields) in REASONS {
        let all: Map<String, Value> =
            fields.iter().map(|field| (field.name.to_owned(), json!(format!("${{{}}}", field.name)))).collect();
        let all = responses(&[(reason, None, Some(Value::Object(all)))]);
        for mut answer in [problem(), Answer::default(), Answer::new("no JSON".into()), Answer::new("[1]".into())] {
            all.refuse(refusal(reason, Some("x"), None), &mut answer);
            assert_eq!((&body(&answer)["reason"], &body(&answer)["cause"]), (&json!(reason), &json!("x")));
        }
    }
}
