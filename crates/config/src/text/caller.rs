//! Who is believed about a caller, and which pages may call.

use keyward_http::caller::ClientAddress;
use keyward_http::cors::AllowedOrigin;
use schemars::{Schema, json_schema};

use super::{FromText, words};

words!(ClientAddress:
    "x-forwarded-for" => Self::XForwardedFor,
    "forwarded" => Self::Forwarded,
    "proxy-protocol" => Self::ProxyProtocol,
);

impl FromText for AllowedOrigin {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| format!("is not the origin of a page\n{error}"))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^(\\*|null|[A-Za-z][A-Za-z0-9+.-]*://[^/?#*]+)$" })
    }
}
