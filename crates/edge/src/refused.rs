//! What becomes of a request that does not pass: its answer, and what the record says of it.

use std::borrow::Cow;

use http::StatusCode;
use keyward_core::decision::{DecisionId, Denial, Fault};
use keyward_core::machine::RequestFacts;
use keyward_core::route::Endpoint;
use keyward_core::rules::Rules;
use keyward_http::answer::{self, UpstreamFault};
use keyward_http::caller::CallerFault;
use keyward_http::h1::lines::LineFault;
use keyward_http::h1::request::RequestFault;
use keyward_http::own::Refusal;
use keyward_http::problem::{Answer, Problem};
use keyward_http::spoken::{FOREIGN_ORIGIN, spoken};
use keyward_http::templates::{self, Responses};

/// The word for what cannot be read.
pub(crate) const MALFORMED: &str = "Malformed";
/// The words for a page that may not call.
pub(crate) const FOREIGN_PAGE: (&str, &str) = ("Forbidden", FOREIGN_ORIGIN);

/// The words for a request in the clear where TLS is required.
pub(crate) const IN_THE_CLEAR: (&str, &str) = ("Forbidden", "no TLS");

/// A refusal, whoever spoke it. Boxed, because it is rare and large.
pub(crate) struct Refused {
    /// What the client gets.
    pub(crate) answer: Answer,
    /// The word for the record.
    pub(crate) outcome: &'static str,
    /// More of it.
    pub(crate) detail: Option<Cow<'static, str>>,
    /// The name and the cause that templates know it by.
    told: (&'static str, Option<&'static str>),
    /// The own endpoint that it happened at.
    endpoint: Option<Endpoint>,
}

impl Refused {
    fn new(answer: Answer, outcome: &'static str, detail: Option<&'static str>) -> Box<Self> {
        Box::new(Self { answer, outcome, detail: detail.map(Cow::Borrowed), told: (outcome, None), endpoint: None })
    }

    /// With the cause that templates know it by.
    fn caused(mut self: Box<Self>, cause: &'static str) -> Box<Self> {
        self.told.1 = Some(cause);
        self
    }

    /// At an own endpoint.
    pub(crate) fn at(mut self: Box<Self>, endpoint: Endpoint) -> Box<Self> {
        self.endpoint = Some(endpoint);
        self
    }

    /// In the words of a configuration's templates.
    pub(crate) fn reword(&mut self, responses: &Responses) {
        let (reason, cause) = self.told;
        let limit = self.detail.as_deref().filter(|_| reason == "Limited");
        responses.refuse(templates::Refusal { endpoint: self.endpoint, reason, cause, limit }, &mut self.answer);
    }

    /// The decision says no.
    pub(crate) fn denied(denial: &Denial, rules: &Rules, facts: &RequestFacts<'_>, id: DecisionId) -> Box<Self> {
        let answer = answer::denied(denial, rules, facts, id);
        let outcome = denial.reason.name();
        let told = (outcome, templates::names::cause(rules.guarding.disclose.told(denial.reason)));
        let endpoint = answer::endpoint(denial, rules);
        Box::new(Self { answer, outcome, detail: spoken(denial, rules), told, endpoint })
    }

    /// It could not be found out.
    pub(crate) fn faulted(fault: Fault, id: DecisionId) -> Box<Self> {
        Self::new(answer::faulted(fault, id), "Unavailable", Some(fault.as_str()))
    }

    /// An own endpoint says no.
    pub(crate) fn by_endpoint(answer: Answer, refusal: Refusal) -> Box<Self> {
        Self::new(answer, refusal.outcome, Some(refusal.detail))
    }

    /// The upstream gave no answer.
    pub(crate) fn upstream(fault: UpstreamFault, id: DecisionId) -> Box<Self> {
        let mut refused = Self::new(fault.answer(id), fault.as_str(), None);
        refused.told = ("Upstream", Some(fault.cause()));
        refused
    }

    /// The body is too large.
    pub(crate) fn too_large(limit: u64, id: DecisionId) -> Box<Self> {
        Self::new(answer::too_large(limit, id), "TooLarge", Some("body")).caused("body")
    }

    /// Bytes that are no head, or a head that is too large: 400, or 431 (RFC 6585 §5).
    pub(crate) fn lines(fault: LineFault, id: DecisionId) -> Box<Self> {
        let text = format!("The head of the request {}.", fault.text());
        if matches!(fault, LineFault::TooLarge | LineFault::TooMany) {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            let problem = Problem::new(status, "Request Header Fields Too Large", "TooLarge", text);
            return Self::new(problem.answer(id), "TooLarge", Some("head")).caused("head");
        }
        Self::new(answer::malformed(text, id), MALFORMED, Some(fault.text())).caused("head")
    }

    /// A head that is no request which is taken here: 400, 417 or 505.
    pub(crate) fn request(fault: RequestFault, id: DecisionId) -> Box<Self> {
        let text = fault.text();
        let refused = |status: StatusCode, title| Problem::new(status, title, MALFORMED, text).answer(id);
        let answer = match fault {
            RequestFault::Version => refused(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "HTTP Version Not Supported"),
            RequestFault::Expect => refused(StatusCode::EXPECTATION_FAILED, "Expectation Failed"),
            _ => answer::malformed(text, id),
        };
        Self::new(answer, MALFORMED, Some(text)).caused("head")
    }

    /// It is not known who calls.
    pub(crate) fn nameless(fault: CallerFault, id: DecisionId) -> Box<Self> {
        Self::new(answer::malformed(fault.text(), id), MALFORMED, Some(fault.text())).caused("head")
    }

    /// A preflight of a page that may not call.
    pub(crate) fn foreign_page(id: DecisionId) -> Box<Self> {
        Self::new(answer::foreign_page(id), FOREIGN_PAGE.0, Some(FOREIGN_PAGE.1)).caused("origin")
    }

    /// A request in the clear where TLS is required.
    pub(crate) fn in_the_clear(id: DecisionId) -> Box<Self> {
        let text = "Keyward takes requests over TLS only. Use https. What was sent in the clear may have been read on the way: \
                    replace the credential, if it was a real one.";
        let problem = Problem::new(StatusCode::FORBIDDEN, "Forbidden", IN_THE_CLEAR.0, text);
        Self::new(problem.answer(id), IN_THE_CLEAR.0, Some(IN_THE_CLEAR.1)).caused("tls")
    }

    /// The client did not send the body that it announced (RFC 9110 §15.5.9, or §15.5.1 where it broke off).
    pub(crate) fn body_missing(status: StatusCode, id: DecisionId) -> Box<Self> {
        let title = status.canonical_reason().unwrap_or_default();
        let text = "The body of the request did not come to its end.";
        Self::new(Problem::new(status, title, "Incomplete", text).answer(id), "Incomplete", Some("body"))
    }
}
