//! Explains a decision that was made, from what was kept of it.

use std::time::Duration;

use keyward_core::decision::DecisionId;
use keyward_core::time::Timestamp;
use keyward_engine::mark::Level;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decisions::{DecisionView, kept, unread};
use crate::failure::{Failure, Kind};
use crate::fields::rfc3339;
use crate::service::Service;

/// How long after it was answered a decision may take to be found.
const ARRIVES_WITHIN: Duration = Duration::from_secs(2);
/// What a core shows as running may have been answered in the last quarter of a second: then it is found within this time.
const SHOWN_WITHIN: Duration = Duration::from_millis(600);
/// How often it is looked for in that time.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is known of a decision.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecidedView {
    /// Its id.
    pub id: String,
    /// The second in which it was made.
    pub second: String,
    /// The node that made it.
    pub node: u32,
    /// Whether the request was let pass and is not answered yet; then nothing is kept so far.
    #[serde(default)]
    pub running: bool,
    /// What was kept: the decision itself, or the fold that counts it. More than one fold where they cannot be told apart.
    pub found: Vec<DecisionView>,
    /// In sentences.
    pub text: Vec<String>,
    /// What to do, where it was refused.
    pub advice: Option<String>,
}

/// Finds and explains a decision.
///
/// # Errors
/// The id is none, or leads to nothing that is kept.
pub async fn explain(service: &Service, id: &str) -> Result<DecidedView, Failure> {
    let id = DecisionId::parse(id.trim())
        .ok_or_else(|| Failure::invalid("this is no decision id: they have 26 characters, as in Keyward-Decision"))?;
    let second = second_of(id);
    let decisions = kept(service)?;
    let mut found = decisions.find(id).await.map_err(|error| unread(&error))?;
    // What was answered this moment is still on its way from the core to the file, however long ago it was decided.
    let began = service.now();
    let serving = service.refresher.is_some();
    let mut waited = Duration::ZERO;
    while found.is_empty() && serving && waited < ARRIVES_WITHIN {
        if waited > SHOWN_WITHIN && service.pending.is_running(id) {
            return Ok(running(id, second));
        }
        tokio::time::sleep(LOOK_EVERY).await;
        found = decisions.find(id).await.map_err(|error| unread(&error))?;
        waited = service.now().monotonic.since(began.monotonic);
    }
    // What was kept on its own is meant by its id alone; folds that share its mark counted others.
    if found.iter().any(|one| one.level == Level::Single) {
        found.retain(|one| one.level == Level::Single);
    }
    if found.is_empty() {
        let oldest = decisions.oldest().await.map_err(|error| unread(&error))?;
        let absence = Absence { oldest, now: service.now().wall, stuck: service.pending.is_stuck() };
        return Err(Failure { kind: Kind::NotFound, message: absence.of(id, second) });
    }
    let found: Vec<DecisionView> = found.iter().map(DecisionView::of).collect();
    let text = told(&found);
    let advice = found.first().and_then(advice);
    Ok(DecidedView {
        id: id.to_string(),
        second: rfc3339(second),
        node: id.node(),
        running: false,
        found,
        text,
        advice,
    })
}

fn second_of(id: DecisionId) -> Timestamp {
    Timestamp::from_millis(i64::try_from(id.second().saturating_mul(1000)).unwrap_or(i64::MAX))
}

fn running(id: DecisionId, second: Timestamp) -> DecidedView {
    let second = rfc3339(second);
    let text = format!(
        "decision {id} of {second} (node {}) is still running: the request was let pass and is not answered yet; it is kept \
         as soon as its answer begins, or the caller hangs up",
        id.node()
    );
    DecidedView {
        id: id.to_string(),
        second,
        node: id.node(),
        running: true,
        found: Vec::new(),
        text: vec![text],
        advice: None,
    }
}

/// What is known where nothing is kept of a decision.
struct Absence {
    oldest: Option<Timestamp>,
    now: Timestamp,
    stuck: bool,
}

impl Absence {
    /// Why that may be: all that is possible and nothing that is not.
    fn of(&self, id: DecisionId, second: Timestamp) -> String {
        let made = format!("decision {id} of {} (node {}) is not kept", rfc3339(second), id.node());
        let why = match self.oldest {
            _ if second > self.now.after(ARRIVES_WITHIN) => {
                "its time is in the future, so it was not made here, or the clock was put back since".to_owned()
            }
            _ if self.stuck => {
                "decisions.db cannot be written at this moment, so it may wait in memory; ask again when the \
                 server's log says that decisions are written again"
                    .to_owned()
            }
            Some(oldest) if second < oldest => format!(
                "the oldest one is of {}; older ones have gone (`decisions.keep` and `decisions.max_bytes` say when), or were \
                 never kept here",
                rfc3339(oldest)
            ),
            None => {
                "none is: they have gone (`decisions.keep` and `decisions.max_bytes` say when), or were never kept here"
                    .to_owned()
            }
            Some(_) => {
                "it was not made here; or the server ended, or crashed, in the moments before it was written; or the \
                 file could not be written for so long that only its number is known (`decisions list --outcome lost`)"
                    .to_owned()
            }
        };
        format!("{made}: {why}")
    }
}

fn told(found: &[DecisionView]) -> Vec<String> {
    let mut text = Vec::new();
    if found.len() > 1 {
        text.push("counted in one of the following, which its id alone does not tell apart:".to_owned());
    }
    for view in found {
        text.push(what(view));
        if let Some(by) = &view.folded_by {
            let results: Vec<String> = view
                .results
                .iter()
                .map(|result| format!("{} {} ({} times)", result.status, result.outcome, result.count))
                .collect();
            text.push(format!(
                "there were too many to keep each on its own (decisions.fold_above_per_second): this is one of {}, counted \
                 by {}; method and path were not kept; they were answered {}",
                view.count,
                by.join(", "),
                results.join(", ")
            ));
        }
    }
    text
}

fn what(view: &DecisionView) -> String {
    let request = match (&view.method, &view.path) {
        (Some(method), Some(path)) => format!("{method} {path}"),
        _ => "a request".to_owned(),
    };
    let client = view.client.as_ref().map(|client| format!(" from {client}")).unwrap_or_default();
    let caller = match (&view.credential, &view.principal) {
        (Some(credential), Some(principal)) => format!(" with {credential} of {principal}"),
        _ => String::new(),
    };
    let route = view.route.as_ref().map(|route| format!(" on route \"{route}\"")).unwrap_or_default();
    let detail = view.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    let fate = match (view.outcome.as_str(), view.results.first().filter(|_| view.folded_by.is_none())) {
        ("allowed", Some(result)) => format!("allowed, answered {} in {:.1} ms", result.status, view.millis),
        ("allowed", None) => "allowed".to_owned(),
        (outcome, Some(result)) => format!("{} {outcome}{detail}", result.status),
        (outcome, None) => format!("{outcome}{detail}"),
    };
    format!("{} {request}{client}{caller}{route}: {fate}", view.at)
}

/// What to do about a refusal, by its reason and rule.
fn advice(view: &DecisionView) -> Option<String> {
    let detail = view.detail.as_deref().unwrap_or_default();
    let text = match (view.outcome.as_str(), detail) {
        ("NoCredential", _) => "send a key or a token: `keyward key create NAME` makes a key",
        ("NoRoute", _) => "add a route for it under `routes`, or call another path",
        ("Ambiguous", _) => "send one credential, or put `several: first` on the route",
        ("Rejected", "expired") => "make a new key, or rotate before the end next time",
        ("Rejected", "disabled") => "enable the key, its user or its account",
        ("Rejected", "revoked") => "make a new key; a revoked one never comes back",
        ("Rejected", "name or password") => {
            "check the name and the password; `keyward user passwd NAME` sets another, and `keyward user list` tells who is \
             disabled"
        }
        ("Rejected", "refresh token") => {
            "sign in again; `keyward audit list --action session.family_killed` tells whether it was used twice"
        }
        ("Rejected", _) => "check that the credential is whole and was made by this server",
        ("Forbidden", "no TLS") => {
            "use https, or take `server.tls.require` away; a key that was sent in the clear is to be replaced"
        }
        ("Forbidden", "scope") => {
            "give the caller the scopes that the route asks for: `keyward explain --path …` names them"
        }
        ("Forbidden", "origin" | "csrf token") => {
            "a page of another origin, or one without the session's token, asked for it: docs/reference/sessions.md says what a page sends"
        }
        ("Forbidden", "roles beyond a token") => {
            "give the user fewer roles, or the roles fewer scopes: `a:*` stands for all that begin with `a:`"
        }
        ("Forbidden", "beyond the caller") => {
            "ask for no more than the caller has itself; the answer named what was too much"
        }
        ("Forbidden", _) => {
            "look at `ip` of the configuration, of the route and of the key: one of them leaves this address out"
        }
        ("Malformed" | "TooLarge", _) => {
            "send what the detail asks for; the configuration's limits say how much is taken"
        }
        ("Throttled", "subject") => {
            "too many wrong passwords for one user, some of them from this address: wait; the user's right one passes from elsewhere"
        }
        ("Throttled", _) => {
            "too many wrong credentials came from this address, or too many of its passwords wait to be checked: wait a moment"
        }
        ("Invalid", "media type") => "send JSON, with Content-Type: application/json",
        ("Invalid", _) => {
            "send what docs/reference/endpoints.md shows for this endpoint; the answer named what does not fit"
        }
        ("NotFound", _) => "look at the caller's own keys: GET on the list of keys",
        ("Conflict", _) => "look at the state of the key: `keyward key show ID`",
        ("Incomplete", _) => "send the whole body that the head announced",
        ("Unavailable", _) => "try again; look at the store and at the load of the server",
        ("upstream not trusted", _) => {
            "look at the certificate of the API behind: who signed it, when it ends, which names it is for. SSL_CERT_FILE names \
             other authorities than the system's"
        }
        ("upstream unreachable" | "upstream answered garbage" | "upstream timed out", _) => {
            "Keyward let it pass; look at the API behind it"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
