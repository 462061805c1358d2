//! A point in time.

use keyward_core::time::Timestamp;
use schemars::{Schema, json_schema};

use super::FromText;

impl FromText for Timestamp {
    fn from_text(text: &str) -> Result<Self, String> {
        let at = text.parse::<jiff::Timestamp>();
        at.map(|at| Self::from_millis(at.as_millisecond()))
            .map_err(|_| "is no point in time\nwrite it as RFC 3339 does: 2027-01-31T00:00:00Z".to_owned())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}
