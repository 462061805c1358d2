//! Spans of time, sizes and counts.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::{Schema, json_schema};

use super::FromText;

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A span in whole seconds, written as their number or as a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u64);

/// Splits `30d` into its number and unit.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit))
}

impl FromText for Duration {
    fn from_text(text: &str) -> Result<Self, String> {
        let millis = split(text).and_then(|(number, unit)| {
            let factor = match unit {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return None,
            };
            number.checked_mul(factor)
        });
        millis
            .map(Self::from_millis)
            .ok_or_else(|| "is not a duration\nwrite a whole number and a unit: 500ms, 10s, 5m, 1h, 30d".to_owned())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" })
    }
}

impl FromText for Seconds {
    fn from_text(text: &str) -> Result<Self, String> {
        let plain = split(text).filter(|(_, unit)| unit.is_empty()).map(|(number, _)| number);
        let spelled =
            || Duration::from_text(text).ok().filter(|span| span.subsec_nanos() == 0).map(|span| span.as_secs());
        plain.or_else(spelled).map(Self).ok_or_else(|| {
            "is not a number of seconds\nwrite whole seconds, or a duration of whole seconds: 600, 10m, 1h".to_owned()
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["string", "integer"], "pattern": "^[0-9]+(ms|s|m|h|d)?$", "minimum": 0 })
    }
}

impl FromText for Size {
    fn from_text(text: &str) -> Result<Self, String> {
        let bytes = split(text).and_then(|(number, unit)| {
            let shift = match unit {
                "" | "B" => 0,
                "KiB" => 10,
                "MiB" => 20,
                "GiB" => 30,
                _ => return None,
            };
            number.checked_mul(1 << shift)
        });
        bytes
            .map(Self)
            .ok_or_else(|| "is not a size\nwrite bytes, or a whole number and a unit: 64KiB, 1MiB, 2GiB".to_owned())
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["string", "integer"], "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$", "minimum": 0 })
    }
}

impl FromText for NonZeroU32 {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("is not a whole number from 1 to {}", u32::MAX))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": u32::MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_table() {
        // text | milliseconds
        for row in [
            "500ms | 500",
            "0s | 0",
            "10s | 10000",
            "5m | 300000",
            "1h | 3600000",
            "30d | 2592000000",
            "10 | -",
            "s | -",
            "1.5s | -",
            "-1s | -",
            "+1s | -",
            "1 s | -",
            "10S | -",
            "1h30m | -",
            "99999999999999999999s | -",
            "18446744073709551615d | -",
        ] {
            let (text, expected) = row.split_once(" | ").unwrap();
            let got = Duration::from_text(text).map_or("-".to_owned(), |span| span.as_millis().to_string());
            assert_eq!(got, expected, "{row}");
        }
        assert!(Duration::from_text("").is_err());
    }

    #[test]
    fn seconds_table() {
        // text | seconds
        for row in [
            "0 | 0",
            "600 | 600",
            "10m | 600",
            "2000ms | 2",
            "1d | 86400",
            "1500ms | -",
            "-1 | -",
            "10 m | -",
            "1.5 | -",
            "ten | -",
        ] {
            let (text, expected) = row.split_once(" | ").unwrap();
            let got = Seconds::from_text(text).map_or("-".to_owned(), |seconds| seconds.0.to_string());
            assert_eq!(got, expected, "{row}");
        }
    }

    #[test]
    fn size_table() {
        // text | bytes
        for row in [
            "0 | 0",
            "4096 | 4096",
            "1B | 1",
            "64KiB | 65536",
            "1MiB | 1048576",
            "2GiB | 2147483648",
            "64KB | -",
            "64kib | -",
            "64 KiB | -",
            "KiB | -",
            "-1 | -",
            "1.5MiB | -",
            "18446744073709551615GiB | -",
        ] {
            let (text, expected) = row.split_once(" | ").unwrap();
            let got = Size::from_text(text).map_or("-".to_owned(), |size| size.0.to_string());
            assert_eq!(got, expected, "{row}");
        }
    }
}
