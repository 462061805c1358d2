//! Each rule with facts that it speaks about and facts that it is silent about, and the list of codes in the documents.

use std::collections::BTreeSet;

use keyward_api::audit::{AuditReport, FlawView};
use keyward_api::people::accounts::AccountView;
use keyward_api::people::users::UserView;
use keyward_api::view::KeyView;
use keyward_config::{Flags, Input};

use super::super::facts::Tls;
use super::*;

/// The facts of a configuration and nothing else.
fn of(yaml: &str) -> Facts {
    let input = Input {
        file: Some(("keyward.yaml".into(), yaml.to_owned())),
        env: &|_| None,
        flags: Flags::default(),
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    let mut facts = Facts::default();
    match keyward_config::load(input) {
        Ok(loaded) => {
            facts.origins = loaded.show().iter().map(|one| (one.path.clone(), one.origin.to_string())).collect();
            facts.warnings = loaded.warnings.clone();
            facts.settings = Some(loaded.settings);
        }
        Err(mistakes) => facts.mistakes = mistakes.mistakes,
    }
    facts.data.exists = true;
    facts.data.dir = "d".to_owned();
    facts
}

/// What nothing can be said against.
const SOUND: &str =
    "upstream: {url: \"http://127.0.0.1:3000\", headers: {X-Inner: \"01234567890123456789012345678901\"}}\n";

fn with(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = of(SOUND);
    change(&mut facts);
    facts
}

fn key(change: impl FnOnce(&mut KeyView)) -> Facts {
    let mut key = KeyView {
        id: "key_1".to_owned(),
        name: "a key".to_owned(),
        prefix: "kw_live_".to_owned(),
        mode: "live".to_owned(),
        pair: false,
        status: "active".to_owned(),
        owner: "admin".to_owned(),
        account: None,
        scopes: Some(vec!["orders:read".to_owned()]),
        allowed_ips: Vec::new(),
        external_id: None,
        created_at: "9999-01-01T00:00:00Z".to_owned(),
        expires_at: Some("9999-12-31T00:00:00Z".to_owned()),
        last_used_at: None,
        disabled_at: None,
        revoked_at: None,
        revoked_reason: None,
        replaces: None,
        overlap_ends_at: None,
        budget: None,
        metadata: None,
        overlap: None,
    };
    change(&mut key);
    with(|facts| facts.keys = vec![key])
}

fn user(roles: &[&str]) -> Facts {
    let user = UserView {
        id: "user_1".to_owned(),
        username: "ada".to_owned(),
        status: "active".to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        account: None,
        external_id: None,
        can_sign_in: true,
        second_factor: false,
        created_at: "2026-01-01T00:00:00Z".to_owned(),
        disabled_at: None,
    };
    with(|facts| facts.users = vec![user])
}

fn account(plan: &str, yaml: &str) -> Facts {
    let account = AccountView {
        id: "acc_1".to_owned(),
        name: "acme".to_owned(),
        status: "active".to_owned(),
        external_id: None,
        allowed_ips: Vec::new(),
        plan: Some(plan.to_owned()),
        limits: Vec::new(),
        budget: None,
        created_at: "2026-01-01T00:00:00Z".to_owned(),
        disabled_at: None,
    };
    Facts { accounts: vec![account], ..plus(yaml) }
}

fn audit(flaws: Vec<FlawView>) -> Facts {
    let report = AuditReport { ok: flaws.is_empty(), verified: 1, head: None, flaws, unsealed: None };
    with(|facts| facts.audit = Some(report))
}

/// With a certificate that is valid for a year.
fn tls(change: impl FnOnce(&mut Tls)) -> Facts {
    let mut tls = Tls { ends: vec![("c.pem".to_owned(), 365 * 86_400)], ..Tls::default() };
    change(&mut tls);
    with(|facts| facts.tls = Some(tls))
}

fn secured(more: &str) -> Facts {
    plus(&format!("server: {{host: 0.0.0.0, tls: {{enabled: true, cert_file: c.pem, key_file: k.pem, {more}}}}}"))
}

fn plus(yaml: &str) -> Facts {
    of(&format!("{SOUND}{yaml}\n"))
}

/// Facts that the code speaks about, and facts close to them that it is silent about.
fn cases() -> Vec<(&'static str, Facts, Facts)> {
    let flaw = FlawView { from: 1, to: 1, flaw: "altered".to_owned(), text: "record 1: altered".to_owned() };
    let route = |fields: &str| plus(&format!("routes: [{{name: r, path: /r, {fields}}}]"));
    let fixed = |length: usize, scopes: &str| {
        let key = "k".repeat(length);
        plus(&format!("security: {{api_keys: {{static: [{{name: ci, key: {key}, scopes: [{scopes}]}}]}}}}"))
    };
    let scoped = |scope: &str| key(|key| key.scopes = Some(vec![scope.to_owned()]));
    vec![
        ("config-mistake", of("rotues: []"), of(SOUND)),
        ("config-differs", with(|facts| facts.differs = vec!["server.port".to_owned()]), of(SOUND)),
        ("store-unreachable", with(|facts| facts.unreachable = Some("it is held".to_owned())), of(SOUND)),
        ("records-skipped", with(|facts| facts.skipped = true), of(SOUND)),
        ("audit-broken", audit(vec![flaw]), audit(Vec::new())),
        ("files-readable", with(|facts| facts.data.readable = vec![("d/keyward.db".to_owned(), 0o644)]), of(SOUND)),
        (
            "decisions-set-aside",
            with(|facts| facts.data.set_aside = vec!["decisions.db.damaged-1".to_owned()]),
            of(SOUND),
        ),
        ("public-route", route("public: true"), route("public: false")),
        ("open-if-none", plus("security: {api_keys: {open_if_none: true}}"), of(SOUND)),
        ("config-warning", plus("routes: [{name: all, path: /**}, {name: late, path: /late}]"), of(SOUND)),
        ("no-store", with(|facts| facts.data.exists = false), of(SOUND)),
        (
            "proxies-too-wide",
            plus("server: {trusted_proxies: [10.0.0.0/8]}"),
            plus("server: {trusted_proxies: [10.1.0.0/20, \"2001:db8:1::/48\"]}"),
        ),
        ("tls-off", plus("server: {host: 0.0.0.0}"), plus("server: {host: \"::1\"}")),
        ("tls-off", plus("server: {host: 0.0.0.0}"), plus("server: {socket: /run/k.sock}")),
        ("tls-off", secured("require: false"), secured("require: true")),
        ("tls-unusable", tls(|tls| tls.fault = Some("k.pem cannot be read".to_owned())), tls(|_| {})),
        ("tls-key-readable", tls(|tls| tls.readable = vec![("k.pem".to_owned(), 0o644)]), tls(|_| {})),
        ("tls-expired", tls(|tls| tls.ends[0].1 = 0), tls(|tls| tls.ends[0].1 = 1)),
        ("tls-expires-soon", tls(|tls| tls.ends[0].1 = 14 * 86_400), tls(|tls| tls.ends[0].1 = 14 * 86_400 + 1)),
        ("control-plane-exposed", plus("admin: {host: 192.0.2.1}"), plus("admin: {host: 127.0.0.1}")),
        ("demo-upstream", of("{}"), of(SOUND)),
        ("upstream-reach-unknown", of("upstream: {url: \"http://127.0.0.1:3000\"}"), of(SOUND)),
        ("upstream-reach-unknown", of("upstream: {url: \"http://api:3000\", headers: {X-A: b}}"), of(SOUND)),
        (
            "upstream-plain",
            of("upstream: {url: \"http://api:3000\"}"),
            of("upstream: {url: \"http://localhost:3000\"}"),
        ),
        ("upstream-plain", of("upstream: {url: \"http://api\"}"), of("upstream: {url: \"https://api\"}")),
        (
            "upstream-reach-unknown",
            of("upstream: {url: \"https://api\"}"),
            of("upstream: {url: \"unix:/a\", headers: {X-A: b}}"),
        ),
        ("static-key-short", fixed(31, "\"a:b\""), fixed(32, "\"a:b\"")),
        ("static-key-for-everything", fixed(40, "\"*\""), fixed(40, "\"a:b\"")),
        ("credential-kept", route("keep_credential: true"), route("keep_credential: false")),
        ("odd-paths-allowed", route("allow: [semicolon]"), route("allow: []")),
        ("first-of-several", route("several: first"), route("several: refuse")),
        ("long-tokens", plus("security: {jwt: {expiration: 25h}}"), plus("security: {jwt: {expiration: 24h}}")),
        ("initial-password", with(|facts| facts.data.initial_password = true), of(SOUND)),
        ("master-key-beside-data", with(|facts| facts.data.master_key_beside = true), of(SOUND)),
        ("keys-without-end", key(|key| key.expires_at = None), key(|_| {})),
        ("keys-for-everything", scoped("*"), scoped("orders:*")),
        ("keys-of-operators", scoped("keyward:keys:read"), scoped("keys:read")),
        ("keys-unused", key(|key| key.created_at = "2020-01-01T00:00:00Z".to_owned()), key(|_| {})),
        ("user-without-role", user(&[]), user(&["admin"])),
        ("role-unknown", user(&["gone"]), user(&["admin"])),
        ("plan-unknown", account("gone", ""), account("free", "plans: {free: {limits: []}}")),
        (
            "plan-unknown",
            account("gone", "plans: {free: {limits: []}}\naccounts: {default_plan: free}"),
            account("free", "plans: {free: {limits: []}}\naccounts: {default_plan: free}"),
        ),
        ("decisions-off", plus("decisions: {keep: null}"), of(SOUND)),
    ]
}

#[test]
fn each_rule_speaks_when_it_should_and_only_then() {
    for (code, about, silent) in cases() {
        let found = examine(&about);
        let finding = found.iter().find(|finding| finding.code == code);
        let finding = finding.unwrap_or_else(|| panic!("{code} is silent: {found:?}"));
        assert!(!finding.place.is_empty() && !finding.what.is_empty() && !finding.advice.is_empty(), "{finding:?}");
        let found = examine(&silent);
        assert!(found.iter().all(|finding| finding.code != code), "{code} speaks of nothing: {found:?}");
    }
    assert_eq!(examine(&of(SOUND)), [], "a sound set-up");
}

#[test]
fn what_a_rule_says_is_not_said_again_as_a_warning() {
    let yaml = format!("{SOUND}security: {{api_keys: {{static: [{{name: ci, key: short, scopes: [a]}}]}}}}\n");
    let codes: Vec<&str> = examine(&of(&yaml)).iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["static-key-short"]);
}

/// The codes in this program's text: whatever stands in quotes and is nothing but small words with hyphens between them.
fn codes() -> BTreeSet<String> {
    let texts = [include_str!("configuration.rs"), include_str!("records.rs"), include_str!("transport.rs")];
    let quoted = texts.into_iter().flat_map(|text| text.split('"').skip(1).step_by(2));
    let is_code = |text: &&str| {
        text.contains('-')
            && text.split('-').all(|word| word.bytes().all(|b| b.is_ascii_lowercase()) && !word.is_empty())
    };
    quoted.filter(is_code).map(str::to_owned).collect()
}

#[test]
fn every_code_has_a_case_and_a_line_in_the_documents() {
    let cases: BTreeSet<String> = cases().iter().map(|(code, ..)| (*code).to_owned()).collect();
    let document = include_str!("../../../../docs/reference/doctor.md");
    let documented: BTreeSet<String> =
        document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(str::to_owned).collect();
    assert_eq!(documented, cases);
    let written = codes();
    assert_eq!(written, cases);
}
