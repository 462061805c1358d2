//! Explains a request that was not made: the same machine as on the data path, with a listener that writes sentences.

mod advice;

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use keyward_core::api_key::CredentialEntry;
use keyward_core::decision::{AddressRule, Decision, Denial, Reason};
use keyward_core::imported::Expected;
use keyward_core::machine::{
    self, Event, Fetching, Listener, Looking, Recalled, RequestFacts, Resumed, Ruled, Step, Strangers, Verified,
    decide, would_pass,
};
use keyward_core::page::PageFault;
use keyward_core::path::Target;
use keyward_core::route::Match;
use keyward_core::rules::Rules;
use keyward_core::scheme::{Carrier, Reading, SchemeId};
use keyward_engine::ports::Held;
use keyward_engine::signing::VerifyingSource as _;
use keyward_http::limits::retry_after;
use keyward_http::templates::{self, Responses};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::fields::rfc3339;
use crate::limits;
use crate::service::Service;
use crate::sign_in::basic;

/// A request to explain.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The id of a key that the request would carry.
    pub key_id: Option<String>,
    /// Headers, as `Name: value`.
    pub headers: Vec<String>,
    /// The address it would come from.
    pub from: Option<String>,
}

impl std::fmt::Debug for Question {
    /// Without headers and query: credentials stand there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.split('?').next();
        f.debug_struct("Question").field("method", &self.method).field("path", &path).finish_non_exhaustive()
    }
}

/// What would become of it, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Whether it would pass.
    pub allowed: bool,
    /// The status that Keyward would answer; null when it would pass.
    pub status: Option<u16>,
    /// The reason's name; null when it would pass.
    pub reason: Option<String>,
    /// The route's name.
    pub route: Option<String>,
    /// What was checked, in order.
    pub steps: Vec<Finding>,
    /// What to do about a refusal.
    pub advice: Option<String>,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Finding {
    /// Whether it spoke for the request.
    pub ok: bool,
    /// What was found, in words.
    pub text: String,
}

/// Explains a request.
///
/// # Errors
/// A request that cannot be written like this, an unknown key id, or a store that does not answer.
pub async fn explain(service: &Service, question: &Question) -> Result<Explanation, Failure> {
    let configuration = service.configuration();
    let rules = &configuration.rules;
    let method = question
        .method
        .parse::<Method>()
        .map_err(|_| Failure::invalid(format!("{:?} is no HTTP method", question.method)))?;
    let headers = read_headers(&question.headers)?;
    let from = question.from.as_deref().unwrap_or("127.0.0.1");
    let client: IpAddr = from.parse().map_err(|_| Failure::invalid(format!("{from:?} is no IP address")))?;
    let target = Target::parse(&question.path);
    let (plane, headers) = (Default::default(), (&headers).into());
    let facts = RequestFacts { plane, client, method: &method, target: &target, headers };
    let mut account = Account { rules, route: None, unknown_own: false, findings: Vec::new() };
    let refused = match &question.key_id {
        Some(id) => {
            let joined = service.store.api_key(id).await?.ok_or_else(|| Failure::no_such_key(id))?;
            let entry = Arc::new(joined.resolve(rules));
            match would_pass(rules, facts, service.now(), entry, &mut account) {
                Err(denial) => Some(denial),
                Ok(None) => None,
                Ok(Some(looking)) => look(service, looking, &mut account).await?,
            }
        }
        None => walk(service, rules, facts, &mut account).await?,
    };
    Ok(account.conclude(refused, &facts, &configuration.responses))
}

/// Drives the machine with the store in place of memory.
async fn walk(
    service: &Service,
    rules: &Rules,
    facts: RequestFacts<'_>,
    account: &mut Account<'_>,
) -> Result<Option<Denial>, Failure> {
    let ruled = match decide(rules, facts, service.now(), account) {
        Step::Ruled(ruled) => ruled,
        Step::Shown(awaiting) => awaiting.answer(None, account),
        Step::Body(awaiting) => {
            account.note(true, "the signature is over the body, which is not at hand here: if it is right, then");
            return Ok(awaiting.still(account).err());
        }
        Step::Recall(_, recalling) => match recalling.resume(Recalled::Nothing, strangers(service), account) {
            Resumed::Ruled(ruled) => ruled,
            Resumed::Fetch(question, fetching) => fetch(service, rules, &question, fetching, account).await?,
            Resumed::Import(digest, importing) => {
                // A hash of others is not tried here: an explanation changes nothing.
                let is_kept = service.store.find(&[digest]).await?.keys.iter().any(Option::is_some);
                let expected = if is_kept { Expected::Kept } else { Expected::No };
                match importing.resume(Recalled::Nothing, |_| expected, account) {
                    Verified::Ruled(ruled) => ruled,
                    Verified::Fetch(question, fetching) => fetch(service, rules, &question, fetching, account).await?,
                }
            }
            Resumed::Examine(examining) => {
                let issuer = &examining.token().issuer().name;
                account.note(
                    true,
                    format!("{issuer} issued it, and its keys are not asked here: if its signature is right, then"),
                );
                return Ok(examining.assume(account).err());
            }
            Resumed::Verify(verifying) => {
                let keys = service.opener.verifying(&service.store.signing_keys().await?);
                let is_signed = keys.verify(verifying.token());
                match verifying.resume(is_signed, account) {
                    Verified::Ruled(ruled) => ruled,
                    Verified::Fetch(question, fetching) => fetch(service, rules, &question, fetching, account).await?,
                }
            }
        },
    };
    Ok(match ruled {
        Ruled::Decided(Decision::Allow(_)) => None,
        Ruled::Decided(Decision::Deny(denial)) => Some(denial),
        Ruled::Spend(spending) => look(service, spending.looking(), account).await?,
    })
}

/// Nobody has to wait, and what has no tag is looked up as well.
fn strangers(service: &Service) -> Strangers<'_> {
    Strangers { imported: &|| true, ..Strangers::from(&service.tag_key) }
}

/// What the limits would say, as things stand now. Nothing is charged.
async fn look(service: &Service, looking: Looking<'_>, account: &mut Account<'_>) -> Result<Option<Denial>, Failure> {
    if looking.is_beyond_counting() {
        let message = "its account is on a plan that the configuration does not know, so nobody can say what it may use: 503 \
             Unavailable; `keyward account plan` gives it another, `accounts.default_plan` would stand in";
        return Err(Failure { kind: Kind::Conflict, message: message.to_owned() });
    }
    let Some(spend) = limits::look(service, &looking).await? else {
        account.note(true, "there are limits; only a running server counts, and none runs here");
        return Ok(None);
    };
    Ok(looking.find(spend, account).err())
}

/// Goes on with what the store knows.
async fn fetch<'a>(
    service: &Service,
    rules: &Rules,
    question: &machine::Question,
    fetching: Fetching<'a>,
    account: &mut Account<'_>,
) -> Result<Ruled<'a>, Failure> {
    let held = match question {
        machine::Question::ApiKey(digest) => {
            let found = service.store.find(&[*digest]).await?.keys.into_iter().next().flatten();
            found.map(|joined| Held::ApiKey(Box::new(joined)))
        }
        machine::Question::Session(id) => {
            let found =
                service.store.find_sessions(std::slice::from_ref(id)).await?.sessions.into_iter().next().flatten();
            found.map(|joined| Held::Session(Box::new(joined)))
        }
        machine::Question::Cookie(digest) => {
            let found = service.store.find_cookies(&[*digest]).await?.sessions.into_iter().next().flatten();
            found.map(|joined| Held::Cookie(Box::new(joined)))
        }
        machine::Question::Basic(shown) => basic::of_operator(service, shown).await?,
        machine::Question::Imported(_) => None,
    };
    let entry = held.and_then(|held| held.resolve(rules, fetching.claims(), &service.tag_key));
    Ok(fetching.resume(entry.map(Arc::new), account))
}

fn read_headers(lines: &[String]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        let header = line.split_once(':').and_then(|(name, value)| {
            let name = name.trim().parse::<HeaderName>().ok()?;
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        // The line is not shown: it may be a key that was pasted without its header's name.
        let (name, value) =
            header.ok_or_else(|| Failure::invalid("a header is written as `Name: value`, one a line"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Listens to the steps and writes them down.
struct Account<'a> {
    rules: &'a Rules,
    route: Option<String>,
    unknown_own: bool,
    findings: Vec<Finding>,
}

impl Account<'_> {
    fn note(&mut self, ok: bool, text: impl Into<String>) {
        self.findings.push(Finding { ok, text: text.into() });
    }

    fn scheme(&self, id: SchemeId) -> String {
        match self.rules.scheme(id) {
            Some(scheme) => format!("scheme `{}` ({})", scheme.name, carrier(&scheme.carrier)),
            None => "an unknown scheme".to_owned(),
        }
    }

    fn conclude(mut self, refused: Option<Denial>, facts: &RequestFacts<'_>, responses: &Responses) -> Explanation {
        if let Some(text) = refused.as_ref().and_then(unheard)
            && self.findings.iter().all(|finding| finding.text != text)
        {
            self.note(false, text);
        }
        let advice = refused.as_ref().map(|denial| match denial.reason {
            Reason::NoRoute if self.unknown_own => "call an endpoint that is there".to_owned(),
            _ => advice::advice(denial, self.rules, facts),
        });
        let answer = refused.as_ref().map(|denial| {
            let id = keyward_core::decision::DecisionId::new(0, 0, 0, 0);
            let own = keyward_http::answer::denied(denial, self.rules, facts, id).status();
            let (endpoint, reason) = (keyward_http::answer::endpoint(denial, self.rules), denial.reason.name());
            let cause = templates::names::cause(self.rules.guarding.disclose.told(denial.reason));
            let refusal = templates::Refusal { endpoint, reason, cause, limit: None };
            responses.status(refusal, own).as_u16()
        });
        Explanation {
            allowed: refused.is_none(),
            status: answer,
            reason: refused.map(|denial| denial.reason.name().to_owned()),
            route: self.route,
            steps: self.findings,
            advice,
        }
    }
}

impl Listener for Account<'_> {
    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Path(Ok(target)) => self.note(true, format!("the path {} has one reading", target.path())),
            Event::Path(Err(fault)) => self.note(false, format!("the path {fault}")),
            Event::Routed(_, route) => {
                self.route = Some(route.name.to_string());
                self.note(true, format!("route `{}` matches ({})", route.name, route.pattern.as_str()));
            }
            Event::NotRouted(found) => {
                self.unknown_own = found == Match::UnknownOwn;
                self.note(false, not_routed(found));
            }
            Event::Address(rule, client, passed) => {
                let verb = if passed { "lets" } else { "does not let" };
                self.note(passed, format!("{} {verb} {client} in", list_name(rule)));
            }
            Event::Public => self.note(true, "the route is public: no credential is read"),
            Event::Unasked => self.note(true, "none was shown: the endpoint asks for what it needs itself"),
            Event::Read(id, reading) => {
                let scheme = self.scheme(id);
                match reading {
                    Reading::Absent => self.note(true, format!("{scheme}: nothing there")),
                    Reading::Malformed(fault) => self.note(false, format!("{scheme}: the header {}", fault.text())),
                    Reading::Present(_) => self.note(true, format!("{scheme}: a credential is there")),
                }
            }
            Event::StaticKey(_) => self.note(true, "it is one of the operator's keys in the configuration"),
            Event::NotGenuine => self.note(false, "it is no key made by this server: checksum or keyed tag is wrong"),
            Event::NoToken(fault) => self.note(false, format!("the token {}", fault.text())),
            Event::Signed(Ok(())) => self.note(true, "the webhook proved its sender"),
            Event::Signed(Err(fault)) => self.note(false, format!("what proves the sender {}", fault.text())),
            Event::Repeated(true) => self.note(false, "the delivery came before"),
            Event::Repeated(false) => self.note(true, "the delivery is a new one"),
            Event::Page(Ok(())) => self.note(true, "the page is of this origin, and shows the session's token"),
            Event::Page(Err(PageFault::Origin)) => {
                self.note(
                    false,
                    "a session changes something only from a page of this origin, by Sec-Fetch-Site or Origin",
                );
            }
            Event::Page(Err(PageFault::Token)) => {
                self.note(false, "a session changes something only with its token in the Keyward-CSRF header");
            }
            Event::NoPair => {
                self.note(false, "it is no username and password in base64 (RFC 7617), or too long to be one")
            }
            Event::NotThePair => self.note(false, "the username or the password is wrong"),
            Event::NotKnown => self.note(false, "it was made by this server, but the store does not know it"),
            Event::Checked(entry, verdict) => self.note_check(entry, verdict),
            Event::Scope(scope, granted) => {
                let verb = if granted { "has" } else { "lacks" };
                self.note(granted, format!("it {verb} the scope {scope}"));
            }
            Event::Limit(limit, standing, within) => {
                let (name, left) = (limit.name(), standing.remaining);
                let reset = if limit.comes_back() {
                    format!("is whole again in {} s", retry_after(standing.reset))
                } else {
                    "does not come back by itself".to_owned()
                };
                self.note(within, format!("the limit `{name}` has {left} left, and {reset}"));
            }
        }
    }
}

impl Account<'_> {
    fn note_check(&mut self, entry: &CredentialEntry, verdict: Result<(), keyward_core::api_key::Rejection>) {
        let who =
            format!("key {} ({:?}) of {}", entry.principal.credential.text(), entry.principal.name, entry.principal.id);
        match verdict {
            Ok(()) => self.note(true, format!("{who} counts")),
            Err(rejection) => {
                let end = entry.ends_at.map(|at| format!(" (its end: {})", rfc3339(at))).unwrap_or_default();
                self.note(false, format!("{who} is {}{end}", rejection.as_str()));
            }
        }
    }
}

/// Refusals that follow from several steps, each of which spoke for the request.
fn unheard(denial: &Denial) -> Option<String> {
    match denial.reason {
        Reason::Path(fault) => Some(format!("the path {fault}")),
        Reason::NoCredential => Some("no credential was sent".to_owned()),
        Reason::Ambiguous(..) => Some("two credentials at once".to_owned()),
        _ => None,
    }
}

fn carrier(carrier: &Carrier) -> String {
    match carrier {
        Carrier::Header(name) => format!("header {name}"),
        Carrier::Authorization(scheme) => format!("Authorization: {scheme}"),
        Carrier::Webhook(webhook) => match webhook.word() {
            Some(word) => format!("webhook in Authorization: {word}"),
            None => format!("webhook in header {}", webhook.header()),
        },
        Carrier::Cookie(name) => format!("cookie {name}"),
    }
}

fn not_routed(found: Match) -> &'static str {
    match found {
        Match::WrongMethod(_) => "an endpoint of Keyward stands there, but not with this method",
        Match::UnknownOwn => "the path is Keyward's own, but there is no such endpoint; it is never forwarded",
        Match::None | Match::Route(_) => "no route matches this path and method",
    }
}

fn list_name(rule: AddressRule) -> &'static str {
    match rule {
        AddressRule::Global => "the list `ip`",
        AddressRule::Route => "the route's list",
        AddressRule::ApiKey => "the key's own list",
        AddressRule::Account => "the account's list",
    }
}
