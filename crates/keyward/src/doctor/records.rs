//! What the data directory and the records in it mean: files, keys, users, the audit log, and the server beside them.

use keyward_api::view::KeyView;

use super::facts::Facts;
use super::rules::finding;
use super::{Finding, Kind};

/// How many names a finding lists.
const NAMES: usize = 5;

pub(super) fn config_differs(facts: &Facts) -> Vec<Finding> {
    if facts.differs.is_empty() {
        return Vec::new();
    }
    let advice = "`keyward audit list --subject configuration` says whether it was refused, and why; mend the file, send SIGHUP, or restart";
    let what = format!("the running server goes by other values of: {}", facts.differs.join(", "));
    vec![finding((Kind::Wrong, "config-differs"), "configuration", what, advice)]
}

pub(super) fn store_unreachable(facts: &Facts) -> Vec<Finding> {
    let one = |why: &String| {
        finding(
            (Kind::Wrong, "store-unreachable"),
            &facts.data.dir,
            why,
            "do what it says; until then no key can be managed",
        )
    };
    facts.unreachable.iter().map(one).collect()
}

pub(super) fn records_skipped(facts: &Facts) -> Vec<Finding> {
    if !facts.skipped {
        return Vec::new();
    }
    let what = "files, keys, users and the audit log were not looked at, because the configuration has mistakes";
    vec![finding(
        (Kind::Wrong, "records-skipped"),
        "data directory",
        what,
        "mend the configuration, or name the folder with --data-dir",
    )]
}

pub(super) fn users_without_rights(facts: &Facts) -> Vec<Finding> {
    let Some(settings) = &facts.settings else { return Vec::new() };
    let active = facts.users.iter().filter(|user| user.status == "active");
    active
        .filter_map(|user| {
            let gone: Vec<&str> =
                user.roles.iter().filter(|role| !settings.roles.contains_key(*role)).map(String::as_str).collect();
            let what =
                format!("has roles that the configuration does not have: {}; they grant nothing", gone.join(", "));
            let advice = format!("put them back under `roles`, or `keyward user roles {} ROLE,…`", user.username);
            let place = format!("user {}", user.username);
            (!gone.is_empty()).then(|| finding((Kind::Weak, "role-unknown"), place, what, &advice))
        })
        .collect()
}

pub(super) fn accounts_on_unknown_plans(facts: &Facts) -> Vec<Finding> {
    let Some(settings) = &facts.settings else { return Vec::new() };
    let unknown = facts.accounts.iter().filter_map(|account| {
        let plan = account.plan.as_ref().filter(|plan| !settings.plans.contains_key(*plan))?;
        // Limits of its own stand in for those of any plan.
        account.limits.is_empty().then_some(())?;
        Some((account, plan))
    });
    let (kind, what) = match &settings.accounts.default_plan {
        Some(default) => (Kind::Weak, format!("it is counted by `accounts.default_plan`, {default}")),
        None => (Kind::Wrong, "there is no `accounts.default_plan`, so all its requests are 503".to_owned()),
    };
    unknown
        .map(|(account, plan)| {
            let what = format!("is on plan {plan}, which the configuration does not have; {what}");
            let advice = format!("put it back under `plans`, or `keyward account plan {} PLAN`", account.id);
            finding((kind, "plan-unknown"), format!("account {}", account.name), what, &advice)
        })
        .collect()
}

pub(super) fn audit_broken(facts: &Facts) -> Vec<Finding> {
    let flaws = facts.audit.iter().flat_map(|report| &report.flaws);
    let advice = "the log is not as it was written: keep a copy, find out who could write the data directory";
    flaws.map(|flaw| finding((Kind::Wrong, "audit-broken"), "audit log", &flaw.text, advice)).collect()
}

pub(super) fn files_readable(facts: &Facts) -> Vec<Finding> {
    let one = |(path, mode): &(String, u32)| {
        let advice = format!("chmod go-rwx {}", crate::terminal::quoted(path));
        finding(
            (Kind::Wrong, "files-readable"),
            path,
            format!("others on this machine can use it (mode {mode:04o})"),
            &advice,
        )
    };
    facts.data.readable.iter().map(one).collect()
}

pub(super) fn decisions_set_aside(facts: &Facts) -> Vec<Finding> {
    let one = |name: &String| {
        let place = format!("{}/{name}", facts.data.dir);
        let what = "a record of decisions that could not be read lies aside; no credential is in it";
        finding((Kind::Weak, "decisions-set-aside"), place, what, "keep it for whoever mends it, or delete it")
    };
    facts.data.set_aside.iter().map(one).collect()
}

pub(super) fn no_store(facts: &Facts) -> Vec<Finding> {
    if facts.data.exists || facts.settings.is_none() {
        return Vec::new();
    }
    let what = "there is no store here yet, so keys and users could not be looked at";
    vec![finding(
        (Kind::Weak, "no-store"),
        &facts.data.dir,
        what,
        "`keyward serve` or `keyward init` makes one; --data-dir names another folder",
    )]
}

pub(super) fn initial_password(facts: &Facts) -> Vec<Finding> {
    if !facts.data.initial_password {
        return Vec::new();
    }
    let place = format!("{}/{}", facts.data.dir, crate::first_start::FILE);
    vec![finding(
        (Kind::Weak, "initial-password"),
        place,
        "the first password of the user admin still lies in a file",
        "`keyward user passwd admin` makes another and deletes the file",
    )]
}

pub(super) fn master_key_beside(facts: &Facts) -> Vec<Finding> {
    if !facts.data.master_key_beside {
        return Vec::new();
    }
    let place = format!("{}/{}", facts.data.dir, crate::master_key::NAME);
    let what = "the key that seals the signing keys lies beside them: who copies the folder can sign tokens";
    vec![finding(
        (Kind::Weak, "master-key-beside-data"),
        place,
        what,
        "keep it elsewhere and give it as KEYWARD_MASTER_KEY",
    )]
}

fn keys(facts: &Facts, code: &'static str, what: &str, advice: &str, has: impl Fn(&KeyView) -> bool) -> Vec<Finding> {
    let found: Vec<&str> = facts.keys.iter().filter(|key| has(key)).map(|key| key.id.as_str()).collect();
    if found.is_empty() {
        return Vec::new();
    }
    let more = if found.len() > NAMES { ", …" } else { "" };
    let named = found.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    let count = if found.len() == 1 { "1 key".to_owned() } else { format!("{} keys", found.len()) };
    vec![finding((Kind::Weak, code), "keys", format!("{count} {what}: {named}{more}"), advice)]
}

pub(super) fn keys_without_end(facts: &Facts) -> Vec<Finding> {
    keys(facts, "keys-without-end", "without an end", "`key create --expires 90d`, and `key rotate` in time", |key| {
        key.expires_at.is_none()
    })
}

pub(super) fn keys_for_everything(facts: &Facts) -> Vec<Finding> {
    let all = |key: &KeyView| key.scopes.as_ref().is_some_and(|scopes| scopes.iter().any(|scope| scope == "*"));
    keys(facts, "keys-for-everything", "with the scope *", "name the scopes that each caller needs", all)
}

pub(super) fn keys_of_operators(facts: &Facts) -> Vec<Finding> {
    let operator = |key: &KeyView| {
        key.scopes.as_ref().is_some_and(|scopes| scopes.iter().any(|scope| scope.starts_with("keyward:")))
    };
    keys(
        facts,
        "keys-of-operators",
        "that may manage Keyward itself",
        "give such a key an end and an address list (--expires, --ip)",
        operator,
    )
}

pub(super) fn keys_unused(facts: &Facts) -> Vec<Finding> {
    let before = before_half_a_year();
    let old = |key: &KeyView| key.last_used_at.as_ref().unwrap_or(&key.created_at) < &before;
    keys(facts, "keys-unused", "not used for 180 days", "`keyward key disable ID`, and revoke it when nobody asks", old)
}

fn before_half_a_year() -> String {
    use keyward_engine::ports::Clock as _;
    let now = crate::system::SystemClock::new().now().wall.as_millis();
    keyward_api::fields::rfc3339(keyward_core::time::Timestamp::from_millis(now - 180 * 86_400_000))
}

pub(super) fn users_idle(facts: &Facts) -> Vec<Finding> {
    let idle = facts.users.iter().filter(|user| user.status == "active" && user.roles.is_empty());
    let what = "has no role, so that it and its keys may do nothing that asks for a scope";
    idle.map(|user| {
        let advice = format!("`keyward user roles {} ROLE,…`, or disable it", user.username);
        finding((Kind::Weak, "user-without-role"), format!("user {}", user.username), what, &advice)
    })
    .collect()
}
