//! Which web pages may call: what a browser's preflight is answered, and what an answer says to the page that asked
//! (Fetch standard, "CORS protocol").

mod web_origin;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use keyward_core::fields::Fields;

pub use web_origin::{AllowedOrigin, OriginError};

use crate::names::display_name;
use web_origin::{Asking, WebOrigin};

/// Every answer depends on it, unless all origins get the same.
const BY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
/// A preflight's answer depends on all of its question.
const BY_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const STAR: HeaderValue = HeaderValue::from_static("*");

/// Which pages may call, and what they may do.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The origins of pages.
    pub origins: Vec<AllowedOrigin>,
    /// The methods that they may use.
    pub methods: Vec<Method>,
    /// The headers that they may send.
    pub headers: Vec<HeaderName>,
    /// The headers of answers that they may read.
    pub exposed: Vec<HeaderName>,
    /// Whether a browser may send cookies and other credentials of its own along.
    pub credentials: bool,
    /// For how many seconds a browser may remember the answer to a preflight.
    pub max_age: u64,
}

/// A policy made ready: every value that is ever sent is written once. Nothing of a request is ever repeated in an answer.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Origins,
    credentials: bool,
    methods: Option<HeaderValue>,
    headers: Option<HeaderValue>,
    exposed: Option<HeaderValue>,
    max_age: HeaderValue,
}

#[derive(Clone, Debug)]
enum Origins {
    Any,
    Listed(Vec<(WebOrigin, HeaderValue)>),
}

/// What a request says of the page behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    origin: PageOrigin,
    /// The method that a preflight asks about; `None`: it is no preflight.
    preflight: Option<Method>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PageOrigin {
    /// It names no origin, or one that may not call.
    Unlisted,
    /// The origin at a place of the list.
    Listed(usize),
    /// Any will do.
    Any,
}

impl Page {
    /// The method that a preflight asks about, where the request is one.
    pub fn preflight(&self) -> Option<&Method> {
        self.preflight.as_ref()
    }

    /// Whether the page may call.
    pub fn may_call(&self) -> bool {
        self.origin != PageOrigin::Unlisted
    }
}

impl Cors {
    /// Makes a policy ready. Beside `*` no credentials are ever allowed, whatever the policy says.
    pub fn new(policy: &Policy) -> Self {
        let any = policy.origins.contains(&AllowedOrigin::Any);
        let listed = policy.origins.iter().filter_map(AllowedOrigin::written);
        Self {
            origins: if any { Origins::Any } else { Origins::Listed(listed.collect()) },
            credentials: policy.credentials && !any,
            methods: list(policy.methods.iter().map(|method| method.as_str().to_owned())),
            headers: list(policy.headers.iter().map(|name| display_name(name.as_str()))),
            exposed: list(policy.exposed.iter().map(|name| display_name(name.as_str()))),
            max_age: HeaderValue::from(policy.max_age),
        }
    }

    /// A copy for one core, which shares no reference count with this one.
    pub fn unshared(&self) -> Self {
        let copy = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
        Self {
            origins: match &self.origins {
                Origins::Any => Origins::Any,
                Origins::Listed(all) => {
                    Origins::Listed(all.iter().map(|(origin, value)| (origin.clone(), copy(value))).collect())
                }
            },
            credentials: self.credentials,
            methods: self.methods.as_ref().map(copy),
            headers: self.headers.as_ref().map(copy),
            exposed: self.exposed.as_ref().map(copy),
            max_age: copy(&self.max_age),
        }
    }

    /// What a request says of its page. A preflight is OPTIONS with one origin and one method to ask about; anything else is
    /// a request like others. The list of headers that it asks about is not read at all, however long it is.
    pub fn page(&self, method: &Method, headers: Fields<'_>) -> Page {
        let origin = only(headers, ORIGIN);
        let asked = only(headers, ACCESS_CONTROL_REQUEST_METHOD);
        let preflight = asked.filter(|_| *method == Method::OPTIONS && origin.is_some());
        Page {
            origin: match &self.origins {
                Origins::Any => PageOrigin::Any,
                Origins::Listed(all) => origin
                    .and_then(|origin| Asking::parse(std::str::from_utf8(origin).ok()?))
                    .and_then(|asking| all.iter().position(|(origin, _)| origin.is(&asking)))
                    .map_or(PageOrigin::Unlisted, PageOrigin::Listed),
            },
            preflight: preflight.and_then(|method| Method::from_bytes(method).ok()),
        }
    }

    /// Says in an answer of our own what the page behind its request may do with it.
    pub fn mark<B>(&self, answer: &mut http::Response<B>, page: &Page) {
        let status = answer.status();
        let told = self.told(status, Fields::from(answer.headers()), page);
        for (name, value) in told {
            answer.headers_mut().append(name, value);
        }
    }

    /// What an answer with these fields is to say beside them. What an upstream says of pages is not for the client
    /// ([`is_about_pages`]): two answers to one question would be none.
    pub fn told(&self, status: StatusCode, answered: Fields<'_>, page: &Page) -> Vec<(HeaderName, HeaderValue)> {
        let mut told = Vec::new();
        let preflight = page.preflight.is_some() && status == StatusCode::NO_CONTENT;
        let origin = match (&self.origins, page.origin) {
            (Origins::Any, _) => Some(STAR),
            (Origins::Listed(all), PageOrigin::Listed(place)) => all.get(place).map(|(_, value)| value.clone()),
            (Origins::Listed(_), _) => None,
        };
        match &self.origins {
            _ if page.preflight.is_some() => told.push((VARY, BY_PREFLIGHT)),
            Origins::Listed(_) if !varies_by_origin(answered) => told.push((VARY, BY_ORIGIN)),
            // Everybody gets the same, or it is said already.
            Origins::Listed(_) | Origins::Any => {}
        }
        let Some(origin) = origin else { return told };
        told.push((ACCESS_CONTROL_ALLOW_ORIGIN, origin));
        if self.credentials {
            told.push((ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE));
        }
        let mut tell =
            |name: HeaderName, value: &Option<HeaderValue>| told.extend(value.clone().map(|value| (name, value)));
        if preflight {
            tell(ACCESS_CONTROL_ALLOW_METHODS, &self.methods);
            tell(ACCESS_CONTROL_ALLOW_HEADERS, &self.headers);
            told.push((ACCESS_CONTROL_MAX_AGE, self.max_age.clone()));
        } else {
            tell(ACCESS_CONTROL_EXPOSE_HEADERS, &self.exposed);
        }
        told
    }
}

/// Whether a field of an upstream's answer is about what pages may do.
pub fn is_about_pages(name: &[u8]) -> bool {
    const PREFIX: &str = "access-control-";
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX.as_bytes()))
}

/// A list as one field; `None` where it is empty.
fn list(items: impl Iterator<Item = String>) -> Option<HeaderValue> {
    let items: Vec<String> = items.collect();
    HeaderValue::from_str(&items.join(", ")).ok().filter(|_| !items.is_empty())
}

/// A field that came once. Two origins are none.
fn only(headers: Fields<'_>, name: HeaderName) -> Option<&[u8]> {
    let mut values = headers.values(name.as_str());
    values.next().filter(|_| values.next().is_none())
}

/// Whether an answer says already that it depends on the origin.
fn varies_by_origin(answered: Fields<'_>) -> bool {
    let covers = |name: &[u8]| name.eq_ignore_ascii_case(b"origin") || name == b"*";
    answered
        .values(VARY.as_str())
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|name| covers(name.trim_ascii()))
}
