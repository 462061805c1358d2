//! The customer portal on the data plane: its files, what it is called, and the way in by a link.

pub mod links;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use keyward_http::own::OwnRequest;
use keyward_http::problem::Answer;
use serde_json::json;

use crate::failure::{Failure, Kind};
use crate::own;
use crate::service::Service;
use crate::view::KeyCarrier;

/// The portal as one configuration has it.
#[derive(Clone, Debug)]
pub struct Portal {
    /// Where it stands on the data port, without `/` at the end.
    pub path: Box<str>,
    /// What the operator calls it.
    pub name: Option<Box<str>>,
    /// Its colour, as `#rrggbb`.
    pub color: Option<Box<str>>,
    /// The operator's logo.
    pub logo: Option<Logo>,
    /// Where its pages find Keyward's own endpoints.
    pub endpoints: PortalEndpoints,
}

/// A picture, and what kind of one it is.
#[derive(Clone)]
pub struct Logo {
    /// Its media type.
    pub media: &'static str,
    /// The file.
    pub bytes: Bytes,
}

impl std::fmt::Debug for Logo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Logo({}, {} bytes)", self.media, self.bytes.len())
    }
}

/// Paths of own endpoints; `None`: it is off.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortalEndpoints {
    /// Signing in.
    pub login: Option<String>,
    /// Signing out.
    pub logout: Option<String>,
    /// Who calls.
    pub me: Option<String>,
    /// A caller's own keys.
    pub api_keys: Option<String>,
    /// What a caller used.
    pub usage: Option<String>,
}

/// The files of its pages, by their paths below its own, as a request's headers ask for them; whoever puts a server together says
/// where they come from.
pub type Files = fn(&str, &HeaderMap) -> Answer;

/// What runs of what came with a picture: nothing.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// How long a browser need not ask for the logo again: another is seen soon, and not each page fetches 256 KiB.
const LOGO_KEPT: &str = "max-age=300";

/// Where there are no pages.
pub fn no_files(_: &str, _: &HeaderMap) -> Answer {
    let mut answer = Answer::new(Bytes::from_static(b"404: this Keyward was built without the pages of the portal\n"));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    measured(answer)
}

/// Answers a request for one of its files.
///
/// # Errors
/// The portal was turned off a moment ago.
pub(crate) fn answer(service: &Service, request: &OwnRequest) -> Result<Answer, Failure> {
    let configuration = service.configuration();
    let path = own::path(request);
    let below = configuration.portal.as_ref().and_then(|portal| Some((portal, path.strip_prefix(&*portal.path)?)));
    let Some((portal, below)) = below else {
        return Err(Failure { kind: Kind::NotFound, message: "there is no portal here".to_owned() });
    };
    Ok(match below {
        // Its pages name their files as seen from there.
        "" => moved(&format!("{}/", portal.path)),
        "/settings.json" => {
            let logo = portal.logo.as_ref().map(|_| "logo");
            let body = json!({
                "name": portal.name,
                "color": portal.color,
                "logo": logo,
                "endpoints": portal.endpoints,
                "key": KeyCarrier::of(&configuration.rules),
            });
            own::json(StatusCode::OK, &body)
        }
        "/logo" => match &portal.logo {
            Some(logo) => picture(logo),
            None => no_files("", &request.file),
        },
        _ => measured((service.portal_files)(below.trim_start_matches('/'), &request.file)),
    })
}

fn moved(there: &str) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
    if let Ok(there) = HeaderValue::from_str(there) {
        answer.headers_mut().insert(LOCATION, there);
    }
    measured(answer)
}

fn picture(logo: &Logo) -> Answer {
    let mut answer = Answer::new(logo.bytes.clone());
    let headers: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, logo.media),
        (CACHE_CONTROL, LOGO_KEPT),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, PICTURE_POLICY),
    ];
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(name, value);
        }
    }
    measured(answer)
}

/// How long it is. A 304 would have to say how long what it does not send is (RFC 9110 §8.6), and says nothing.
fn measured(mut answer: Answer) -> Answer {
    if answer.status() == StatusCode::NOT_MODIFIED {
        return answer;
    }
    let length = HeaderValue::from(answer.body().len());
    answer.headers_mut().insert(CONTENT_LENGTH, length);
    answer
}
