//! Fields that people and programs give for a key, checked once for the command line and the endpoints alike.

use std::time::Duration;

use ipnet::IpNet;
use keyward_core::address::parse_network;
use keyward_core::scope::ScopeSet;
use keyward_core::time::Timestamp;

use crate::failure::Failure;

/// The longest name.
pub const NAME_CHARACTERS: usize = 100;
/// The longest external id.
pub const EXTERNAL_ID_CHARACTERS: usize = 255;
/// The most entries of a list.
pub const LIST_ENTRIES: usize = 100;

/// A name: 1 to 100 characters, none of them a control character; blanks around it are cut.
///
/// # Errors
/// What is wrong with it.
pub fn name(text: &str) -> Result<Box<str>, Failure> {
    free_text("name", text, NAME_CHARACTERS)
}

/// A username in its one spelling: compatibility forms folded (NFKC), in lower case, and ASCII from there on, so that no
/// two that look alike are two users.
///
/// # Errors
/// What is wrong with it.
pub fn username(text: &str) -> Result<Box<str>, Failure> {
    use unicode_normalization::UnicodeNormalization as _;
    // What is cut off here is too long anyway.
    let folded: String = text.trim().nfkc().take(NAME_CHARACTERS + 1).map(|c| c.to_ascii_lowercase()).collect();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    if folded.is_empty() || folded.len() > NAME_CHARACTERS || !folded.chars().all(fits) {
        return Err(Failure::invalid(format!(
            "a username has 1 to {NAME_CHARACTERS} of the characters a-z, 0-9, . _ - @ +; capitals count as small letters"
        )));
    }
    Ok(folded.into())
}

/// An operator's own reference for a key.
///
/// # Errors
/// What is wrong with it.
pub fn external_id(text: &str) -> Result<Box<str>, Failure> {
    free_text("externalId", text, EXTERNAL_ID_CHARACTERS)
}

/// Why a key was revoked.
///
/// # Errors
/// What is wrong with it.
pub fn reason(text: &str) -> Result<Box<str>, Failure> {
    free_text("reason", text, EXTERNAL_ID_CHARACTERS)
}

fn free_text(field: &str, text: &str, most: usize) -> Result<Box<str>, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::invalid(format!("{field} must not be empty")));
    }
    if text.chars().count() > most {
        return Err(Failure::invalid(format!("{field} has at most {most} characters")));
    }
    if text.chars().any(is_hidden) {
        return Err(Failure::invalid(format!("{field} holds a control or invisible character")));
    }
    Ok(text.into())
}

/// Controls, and the characters by which one text can pass for another: bidirectional overrides and zero widths.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A text to look for; nothing where it is empty.
///
/// # Errors
/// What is wrong with it.
pub fn search(text: &str) -> Result<Option<Box<str>>, Failure> {
    if text.trim().is_empty() { Ok(None) } else { free_text("search", text, NAME_CHARACTERS).map(Some) }
}

/// A list of scopes.
///
/// # Errors
/// The first that is no scope, and why.
pub fn scopes(texts: &[String]) -> Result<ScopeSet, Failure> {
    at_most(texts, "scopes")?;
    ScopeSet::parse(texts.iter().map(String::as_str))
        .map_err(|(text, error)| Failure::invalid(format!("scope {text:?}: {error}")))
}

/// A list of addresses and CIDRs.
///
/// # Errors
/// The first that is neither, and why.
pub fn networks(texts: &[String]) -> Result<Vec<IpNet>, Failure> {
    at_most(texts, "allowedIps")?;
    texts
        .iter()
        .map(|text| parse_network(text).map_err(|error| Failure::invalid(format!("allowedIps {text:?}: {error}"))))
        .collect()
}

fn at_most(texts: &[String], field: &str) -> Result<(), Failure> {
    if texts.len() > LIST_ENTRIES {
        return Err(Failure::invalid(format!("{field} has at most {LIST_ENTRIES} entries")));
    }
    Ok(())
}

/// A point in time: RFC 3339, or a span from now such as `90d`.
///
/// # Errors
/// What it should look like, or that it has passed.
pub fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let text = text.trim();
    let at = match text.parse::<jiff::Timestamp>() {
        Ok(at) => Timestamp::from_millis(at.as_millisecond()),
        Err(_) => now.after(span(text).ok_or_else(|| {
            Failure::invalid(format!(
                "expiry {text:?} is neither a time such as 2030-01-31T12:00:00Z nor a span such as 90d, 12h or 30m"
            ))
        })?),
    };
    if at <= now {
        return Err(Failure::invalid(format!("expiry {text:?} is not in the future")));
    }
    Ok(at)
}

/// A point in time that has passed: RFC 3339, or a span back from now such as `7d`.
///
/// # Errors
/// What it should look like.
pub fn past(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let text = text.trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_millis(at.as_millisecond()));
    }
    let back = span(text).and_then(|span| i64::try_from(span.as_millis()).ok());
    let back = back.ok_or_else(|| {
        Failure::invalid(format!(
            "{text:?} is neither a time such as 2025-01-31T12:00:00Z nor a span such as 7d or 12h"
        ))
    })?;
    Ok(Timestamp::from_millis(now.as_millis().saturating_sub(back)))
}

/// A span such as `30s`, `10m`, `12h`, `90d`, `1y` (365 days); `0` or `0s` is none at all. At most 100 years.
pub fn span(text: &str) -> Option<Duration> {
    const CENTURY: u64 = 100 * 365 * 86_400;
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "" if number == 0 => 0,
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "y" => 365 * 86_400,
        _ => return None,
    };
    let total = number.checked_mul(seconds)?;
    (total <= CENTURY).then(|| Duration::from_secs(total))
}

/// How long a replaced key goes on.
///
/// # Errors
/// What it should look like.
pub fn overlap(text: &str) -> Result<Duration, Failure> {
    span(text).ok_or_else(|| Failure::invalid(format!("overlap {text:?} is not a span such as 24h, 30m or 0")))
}

/// A point in time as RFC 3339 UTC.
pub fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map(|at| at.to_string())
        .unwrap_or_else(|_| at.as_millis().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn expiry_table() {
        // text | RFC 3339, or refused
        for row in [
            "90d                        | 2024-02-12T22:13:20Z",
            "30m                        | 2023-11-14T22:43:20Z",
            "2030-01-31T12:00:00Z       | 2030-01-31T12:00:00Z",
            "2030-01-31T12:00:00+02:00  | 2030-01-31T10:00:00Z",
            "2023-11-14T22:13:20Z       | refused",
            "2001-01-01T00:00:00Z       | refused",
            "0s                         | refused",
            "-1d                        | refused",
            "tomorrow                   | refused",
            "2030-01-31                 | refused",
            "999999999999999999d        | refused",
            "9999y                      | refused",
        ] {
            let (text, expected) = row.split_once('|').unwrap();
            let got = expiry(text, NOW).map_or_else(|_| "refused".to_owned(), rfc3339);
            assert_eq!(got, expected.trim(), "{row}");
        }
    }

    #[test]
    fn a_username_has_one_spelling() {
        // as typed | as kept, or refused
        for (typed, kept) in [
            ("Admin", "admin"),
            (" admin ", "admin"),
            ("ＡＤＭＩＮ", "admin"),
            ("\u{212a}elvin", "kelvin"),
            ("ada@example.com", "ada@example.com"),
            ("аdmin", "refused"), // the first letter is Cyrillic
            ("ad\u{131}n", "refused"),
            ("admin\u{200b}", "refused"),
            ("\u{202e}nimda", "refused"),
            ("ad min", "refused"),
            ("admin\u{0}", "refused"),
            ("adm\u{301}in", "refused"),
            ("", "refused"),
        ] {
            let got = username(typed).map_or_else(|_| "refused".to_owned(), |name| name.to_string());
            assert_eq!(got, kept, "{typed:?}");
        }
        assert!(username(&"x".repeat(101)).is_err());
        assert!(username(&"\u{fdfa}".repeat(1_000_000)).is_err());
    }

    #[test]
    fn names_that_mislead_are_refused() {
        assert_eq!(&*name("  first customer ").unwrap(), "first customer");
        for text in ["", "   ", "a\nb", "a\u{202e}b", "a\u{200b}b", &"x".repeat(101)] {
            assert!(name(text).is_err(), "{text:?} passed");
        }
    }
}
