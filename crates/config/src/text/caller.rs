//! Who is believed about a caller, and which pages may call.

use keyward_http::caller::ClientAddress;
use keyward_http::cors::AllowedOrigin;
use schemars::{Schema, json_schema};

use super::{FromText, no_word};

impl FromText for ClientAddress {
    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            "proxy-protocol" => {
                Err(format!("is a way to tell that is not in this version yet\n{}", crate::not_yet::WHY))
            }
            other => Err(no_word(other, &["x-forwarded-for", "forwarded"])),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "enum": ["x-forwarded-for", "forwarded"] })
    }
}

impl FromText for AllowedOrigin {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| format!("is not the origin of a page\n{error}"))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^(\\*|null|[A-Za-z][A-Za-z0-9+.-]*://[^/?#*]+)$" })
    }
}
