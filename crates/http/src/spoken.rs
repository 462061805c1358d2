//! The rule that spoke in a refusal, in the words of the record.

use std::borrow::Cow;

use keyward_core::decision::{Denial, Forbidden, Reason};
use keyward_core::page::PageFault;
use keyward_core::rules::Rules;

/// The word for a page of another origin.
pub const FOREIGN_ORIGIN: &str = "origin";

/// The rule that spoke, for the record.
pub fn spoken(denial: &Denial, rules: &Rules) -> Option<Cow<'static, str>> {
    let words = match denial.reason {
        Reason::Limited(over) => {
            let limit = rules.limit(over.limit, denial.credential.as_deref());
            return limit.map(|limit| Cow::Owned(limit.name().to_owned()));
        }
        Reason::WrongMethod => Some("wrong method"),
        Reason::Path(fault) => Some(fault.text()),
        Reason::Malformed(_, fault) => Some(fault.text()),
        Reason::Rejected(rejection) => Some(rejection.as_str()),
        Reason::Throttled(throttled) => Some(throttled.by.as_str()),
        Reason::Forbidden(Forbidden::Address(_)) => Some("address"),
        Reason::Forbidden(Forbidden::Scope) => Some("scope"),
        Reason::Forbidden(Forbidden::Page(PageFault::Origin)) => Some(FOREIGN_ORIGIN),
        Reason::Forbidden(Forbidden::Page(PageFault::Token)) => Some("csrf token"),
        Reason::NoRoute | Reason::NoCredential | Reason::Ambiguous(..) => None,
    };
    words.map(Cow::Borrowed)
}
