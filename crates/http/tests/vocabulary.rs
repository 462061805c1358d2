//! docs/reference/templates.md lists what every answer tells a template, made from the vocabulary itself.
//!
//! `UPDATE=1 cargo test -p keyward-http --test vocabulary` writes it anew; without, a difference fails.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use keyward_http::templates::names::{ANSWERS, Field, Kind, REASONS, all, subject};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/templates.md");
const MARK: &str =
    "<!-- made from the vocabulary; UPDATE=1 cargo test -p keyward-http --test vocabulary writes it -->\n";

fn fields(fields: &[Field]) -> String {
    let one = |field: &Field| match field.kind {
        Kind::One | Kind::Count => format!("`{}`", field.name),
        Kind::Many(of_item) => format!("list `{}` of {{{}}}", field.name, self::fields(of_item)),
    };
    if fields.is_empty() { "–".to_owned() } else { fields.iter().map(one).collect::<Vec<_>>().join(", ") }
}

#[test]
fn the_page_is_up_to_date() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (head, listed) = page.split_once(MARK).expect("the page has the mark");
    let mut made = "\n| an endpoint's answer | what it tells |\n|---|---|\n".to_owned();
    for (name, told) in ANSWERS {
        made.push_str(&format!("| `{name}` | {} |\n", fields(told)));
    }
    made.push_str("\n| a refusal | its causes | what it tells |\n|---|---|---|\n");
    for (name, causes, told) in REASONS {
        let causes: Vec<String> = causes.iter().map(|cause| format!("`{name}.{cause}`")).collect();
        made.push_str(&format!("| `{name}` | {} | {} |\n", causes.join(", "), fields(told)));
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PAGE, format!("{head}{MARK}{made}")).unwrap();
    } else {
        assert_eq!(listed, made, "docs/reference/templates.md is not what the vocabulary says; run this with UPDATE=1");
    }
}

#[test]
fn every_name_means_one_answer_and_secrets_are_told_where_they_are_handed_out() {
    for name in all() {
        assert!(subject(&name).is_some(), "{name}");
    }
    for name in ["login.Rejected", "api_keys.NotFound"] {
        assert!(subject(name).is_some_and(|subject| subject.refuses), "{name}");
    }
    for name in ["", "Rejected.", "login.", ".Rejected", "login.Rejected.revoked", "api_keys", "Rejected.login"] {
        assert!(subject(name).is_none(), "{name}");
    }
    let secrets = ["key", "secret", "access_token", "refresh_token"];
    let hand_out = ["login", "refresh", "token", "exchange", "api_keys.create", "api_keys.rotate"];
    let telling = all().filter(|name| {
        let told = subject(name).unwrap().fields;
        told.iter().any(|field| match field.kind {
            Kind::Many(of_item) => of_item.iter().any(|field| secrets.contains(&field.name)),
            _ => secrets.contains(&field.name),
        })
    });
    assert_eq!(telling.collect::<Vec<_>>(), hand_out);
}
