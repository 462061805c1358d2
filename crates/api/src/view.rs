//! Records as JSON: camelCase, times in RFC 3339 UTC, never a key or a digest.

use std::collections::BTreeMap;

use keyward_core::api_key::CredentialEntry;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::rules::Rules;
use keyward_core::scheme::{Carrier, CredentialKind};
use keyward_core::time::Timestamp;
use keyward_engine::ports::Joined;
use keyward_engine::refresher::Receipt;
use keyward_http::names::display_name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::budgets::BudgetView;
use crate::fields::rfc3339;
use crate::keys::metadata;
use crate::keys::overlaps::OverlapView;

/// A key as its owner and operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// `key_…`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The first characters of the key.
    pub prefix: String,
    /// `live` or `test`.
    pub mode: String,
    /// Whether a secret belongs to it, so that it opens nothing alone.
    pub pair: bool,
    /// `active`, `disabled`, `revoked` or `expired`, as of now.
    pub status: String,
    /// The user that owns it, by name.
    pub owner: String,
    /// The account, if any.
    pub account: Option<String>,
    /// Its own scopes; null = its owner's, less `self:` and `keyward:`.
    pub scopes: Option<Vec<String>>,
    /// Where it may be used from; empty = anywhere.
    pub allowed_ips: Vec<String>,
    /// An operator's own reference.
    pub external_id: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// From when on it is refused.
    pub expires_at: Option<String>,
    /// About when it was last accepted.
    pub last_used_at: Option<String>,
    /// Since when it is paused.
    pub disabled_at: Option<String>,
    /// Since when it is refused for ever.
    pub revoked_at: Option<String>,
    /// Why.
    pub revoked_reason: Option<String>,
    /// The key it came to replace.
    pub replaces: Option<String>,
    /// When it ends because another replaced it.
    pub overlap_ends_at: Option<String>,
    /// What it and its line may use, and what is left of it; null = without bound.
    #[serde(default)]
    pub budget: Option<BudgetView>,
    /// Names and values that operators keep beside it; for operators alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Of a key that was replaced, where one key is shown: how its overlap ends, and who still uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<OverlapView>,
}

impl KeyView {
    /// A record at a point in time, as somebody may see it.
    pub fn of(joined: &Joined, actor: Actor<'_>, now: Timestamp) -> Self {
        let key = &joined.key;
        let time = |at: Option<Timestamp>| at.map(rfc3339);
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            id: key.id.to_string(),
            name: key.name.to_string(),
            prefix: key.prefix.to_string(),
            mode: key.mode.as_str().to_owned(),
            pair: key.secret.is_some(),
            status: status(joined, now).to_owned(),
            owner: joined.owner.username.to_string(),
            account: text(&key.account),
            scopes: key.scopes.as_ref().map(|set| set.iter().map(ToString::to_string).collect()),
            allowed_ips: key.allowed_ips.iter().map(network).collect(),
            external_id: text(&key.external_id),
            created_at: rfc3339(key.created_at),
            expires_at: time(key.expires_at),
            last_used_at: time(key.last_used_at),
            disabled_at: time(key.disabled_at),
            revoked_at: time(key.revoked_at),
            revoked_reason: text(&key.revoked_reason),
            replaces: text(&key.replaces),
            overlap_ends_at: time(key.overlap_ends_at),
            budget: joined.budget.map(BudgetView::of),
            metadata: actor.is_operator().then(|| metadata::view(&joined.metadata)),
            overlap: None,
        }
    }
}

/// A network of one is shown as the address that it is.
pub(crate) fn network(network: &ipnet::IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() { network.addr().to_string() } else { network.to_string() }
}

fn status(joined: &Joined, now: Timestamp) -> &'static str {
    use keyward_core::api_key::Rejection;
    match joined.state(now) {
        Ok(()) => "active",
        Err(Rejection::Expired) => "expired",
        Err(Rejection::Disabled) => "disabled",
        Err(Rejection::Revoked | Rejection::Unknown | Rejection::Repeated) => "revoked",
    }
}

/// Who calls, as the caller sees itself.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallerView {
    /// The owner's id; for an operator's own key its name.
    pub id: String,
    /// The username, or the key's name.
    pub name: String,
    /// What was shown: `api_key`, `static` or `jwt`.
    pub kind: &'static str,
    /// The account, if any.
    pub account: Option<String>,
    /// A session: what the account is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// The plan that it is counted by, if any.
    pub plan: Option<String>,
    /// The id of the key, or of the session.
    pub credential: String,
    /// `live` or `test`.
    pub mode: &'static str,
    /// What it may do.
    pub scopes: Vec<String>,
    /// From when on it is refused.
    pub expires_at: Option<String>,
    /// A session: what its pages show in `Keyward-CSRF` with each request that changes something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<String>,
}

impl CallerView {
    /// A caller under these rules.
    pub fn of(entry: &CredentialEntry, rules: &Rules) -> Self {
        let principal = &entry.principal;
        Self {
            id: principal.id.to_string(),
            name: principal.name.to_string(),
            kind: principal.kind.as_str(),
            account: principal.account.as_deref().map(str::to_owned),
            account_name: None,
            plan: rules.plans.name(entry.counted.plan).map(str::to_owned),
            credential: principal.credential.text().to_owned(),
            mode: principal.mode.as_str(),
            scopes: principal.grants.scopes().iter().map(ToString::to_string).collect(),
            expires_at: entry.ends_at.map(rfc3339),
            csrf_token: entry.csrf.as_ref().map(|token| token.expose().to_owned()),
        }
    }
}

/// How callers show a key, where nobody says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeyCarrier {
    /// The name of the header that has it; null where none has.
    pub header: Option<String>,
    /// What comes before it there, such as `Bearer `.
    pub prefix: String,
}

impl KeyCarrier {
    /// Under these rules: in a header of its own rather than in `Authorization`, because that is easier to write.
    pub fn of(rules: &Rules) -> Self {
        let keys = rules.schemes.iter().filter(|scheme| scheme.kind == CredentialKind::ApiKey);
        let mut carriers: Vec<_> = keys.map(|scheme| &scheme.carrier).collect();
        carriers.sort_by_key(|carrier| carrier.word().is_some());
        let shown = |carrier: &Carrier| match carrier {
            Carrier::Header(name) => Some((display_name(name.as_str()), String::new())),
            Carrier::Authorization(word) => Some(("Authorization".to_owned(), format!("{word} "))),
            Carrier::Cookie(_) | Carrier::Webhook(_) => None,
        };
        let (header, prefix) = carriers.into_iter().find_map(shown).unzip();
        Self { header, prefix: prefix.unwrap_or_default() }
    }
}

/// A key just made: the only view that holds the key itself.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedKey {
    /// The key, shown once.
    pub key: String,
    /// Of a pair its secret, shown once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub view: KeyView,
}

impl CreatedKey {
    /// A record with the texts of its key and, if it is a pair, its secret.
    pub fn of(
        (key, secret): (&ApiKeySecret, Option<&ApiKeySecret>),
        joined: &Joined,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Self {
        let text = |secret: &ApiKeySecret| secret.expose().to_owned();
        Self { key: text(key), secret: secret.map(text), view: KeyView::of(joined, actor, now) }
    }
}

/// A listing: `{"data":[…],"nextCursor":null}` everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listing<T> {
    /// The entries of this page.
    pub data: Vec<T>,
    /// What to ask for to get the next page; null = this was the last.
    pub next_cursor: Option<String>,
}

/// How far a change has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptView {
    /// One entry per node that serves; none when no server runs.
    pub nodes: Vec<NodeView>,
}

/// One node of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
    /// The node's name.
    pub node: String,
    /// Whether the node itself said so; otherwise the time has passed after which it cannot know otherwise.
    pub acknowledged: bool,
    /// Milliseconds since the commit.
    pub millis: u64,
}

impl ReceiptView {
    /// Where a change is felt, in words.
    pub fn felt(&self) -> String {
        if self.nodes.is_empty() {
            "from the next start on; no server is running".to_owned()
        } else {
            format!("by {}", self.line())
        }
    }

    /// The view of a receipt.
    pub fn of(receipt: &Receipt) -> Self {
        let node = |one: &keyward_engine::refresher::NodeReceipt| NodeView {
            node: one.node.to_string(),
            acknowledged: one.acknowledged,
            millis: u64::try_from(one.took.as_millis()).unwrap_or(u64::MAX),
        };
        Self { nodes: receipt.nodes.iter().map(node).collect() }
    }

    /// One line: `1/1 nodes, 3 ms`.
    pub fn line(&self) -> String {
        let all = self.nodes.len();
        let said = self.nodes.iter().filter(|node| node.acknowledged).count();
        let millis = self.nodes.iter().map(|node| node.millis).max().unwrap_or(0);
        format!("{said}/{all} nodes, {millis} ms")
    }
}

/// The prefix that is kept of a key, enough to recognise it: the configured prefix and four characters.
pub fn shown_prefix(prefix: &str, secret: &ApiKeySecret) -> Box<str> {
    secret.expose().get(..prefix.len() + 4).unwrap_or(prefix).into()
}
