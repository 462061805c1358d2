//! What whoever runs the server can do about a refusal, in one line.

use keyward_core::api_key::Rejection;
use keyward_core::decision::{AddressRule, Denial, Forbidden, Reason};
use keyward_core::machine::RequestFacts;
use keyward_core::rules::Rules;
use keyward_http::limits::retry_after;

pub(super) fn advice(denial: &Denial, rules: &Rules, facts: &RequestFacts<'_>) -> String {
    let route = denial.route.and_then(|id| rules.routes.get(id));
    match denial.reason {
        Reason::NoRoute => "add a route for it under `routes`, or call another path".to_owned(),
        Reason::WrongMethod => "use a method that the endpoint takes".to_owned(),
        Reason::Path(fault) => match fault.allow_name() {
            Some(name) => format!("spell the path plainly, or put `allow: [{name}]` on the route"),
            None => "spell the path plainly; no configuration opens this".to_owned(),
        },
        Reason::NoCredential => "send a key: `keyward key create NAME` makes one".to_owned(),
        Reason::Malformed(..) => "send the header once, with the key and nothing else".to_owned(),
        Reason::Ambiguous(..) => "send one credential, or put `several: first` on the route".to_owned(),
        Reason::Rejected(Rejection::Unknown) => "check that the key is whole and was made by this server".to_owned(),
        Reason::Rejected(Rejection::Expired) => "make a new key, or rotate before the end next time".to_owned(),
        Reason::Rejected(Rejection::Disabled) => "`keyward key enable ID`, or enable the user that owns it".to_owned(),
        Reason::Rejected(Rejection::Revoked) => "make a new key; a revoked one never comes back".to_owned(),
        Reason::Rejected(Rejection::Repeated) => "the sender signs anew what it sends again".to_owned(),
        Reason::Forbidden(Forbidden::Scope) => {
            let needed: Vec<&str> =
                route.iter().flat_map(|route| route.scopes.needed(facts.method)).map(|scope| scope.as_str()).collect();
            format!(
                "make a key that has {}: `keyward key create NAME --scopes {}`",
                needed.join(" and "),
                needed.join(",")
            )
        }
        Reason::Forbidden(Forbidden::Address(AddressRule::Global)) => "change `ip` in the configuration".to_owned(),
        Reason::Forbidden(Forbidden::Address(AddressRule::Route)) => "change `ip` of the route".to_owned(),
        Reason::Forbidden(Forbidden::Page(_)) => {
            "send it from a page of the same origin, with the token that signing in and `GET me` tell".to_owned()
        }
        Reason::Throttled(throttled) => format!("wait {} s", retry_after(throttled.retry_after)),
        Reason::Limited(over) => match rules.limit(over.limit, denial.credential.as_deref()) {
            Some(limit) if !limit.comes_back() => {
                "`keyward key budget ID +N`, or `keyward account budget ACCOUNT +N`: it does not come back by itself"
                    .to_owned()
            }
            _ => format!("wait {} s, or raise the limit", retry_after(over.retry_after)),
        },
        Reason::Forbidden(Forbidden::Address(AddressRule::ApiKey)) => {
            "make a key whose --ip list holds the address".to_owned()
        }
        Reason::Forbidden(Forbidden::Address(AddressRule::Account)) => {
            "`keyward account ip ACCOUNT LIST` gives the account another list".to_owned()
        }
    }
}
