//! How much in how long, as operators write it: the limits of one account (`1000/1h`), and budgets (`1000`, `1000/30d`).

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// So many requests in a window: `1000/1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many.
    pub requests: NonZeroU32,
    /// In how long.
    pub window: Duration,
}

/// How much may be used: in all, or in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How much.
    pub granted: u32,
    /// After which span it is whole again; `None`: never.
    pub every: Option<Duration>,
}

/// Units of spans, the largest first, in milliseconds.
const UNITS: [(u64, &str); 5] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
/// The longest window: what is longer counts as never.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A span in the largest unit that makes it a whole number: `1m`, `90s`, `30d`.
pub fn window_word(span: Duration) -> String {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let fits = UNITS.into_iter().find(|(unit, _)| millis % unit == 0);
    fits.map_or_else(String::new, |(unit, word)| format!("{}{word}", millis / unit))
}

fn read_window(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, word) = text.split_at_checked(end)?;
    let (unit, _) = UNITS.into_iter().find(|(_, known)| *known == word)?;
    let span = Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(unit)?);
    (span > Duration::ZERO && span <= LONGEST).then_some(span)
}

/// A text is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl FromStr for Pace {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let (requests, window) = text.split_once('/').ok_or(Unreadable)?;
        Ok(Self { requests: number(requests)?, window: read_window(window).ok_or(Unreadable)? })
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.requests, window_word(self.window))
    }
}

impl FromStr for Budget {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let (granted, every) = match text.split_once('/') {
            Some((granted, every)) => (granted, Some(read_window(every).ok_or(Unreadable)?)),
            None => (text, None),
        };
        Ok(Self { granted: number(granted)?, every })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.every {
            Some(every) => write!(f, "{}/{}", self.granted, window_word(every)),
            None => write!(f, "{}", self.granted),
        }
    }
}

/// Digits alone: `+5` is no number here.
fn number<T: FromStr>(text: &str) -> Result<T, Unreadable> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().map_err(|_| Unreadable) } else { Err(Unreadable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back_as_they_are_written() {
        for (text, written) in [
            ("10/1m", Some("10/1m")),
            ("10/60s", Some("10/1m")),
            ("1000/30d", Some("1000/30d")),
            ("3/1500ms", Some("3/1500ms")),
            ("4294967295/1s", Some("4294967295/1s")),
            ("4294967296/1s", None),
            ("10/0s", None),
            ("10/4000d", None),
            ("10/1w", None),
            ("10/m", None),
            ("10/", None),
            ("/1m", None),
            ("+10/1m", None),
            ("-1/1m", None),
            ("10/18446744073709551615d", None),
            ("10/1\u{e9}", None),
            ("", None),
        ] {
            let budget = text.parse::<Budget>().ok().map(|budget| budget.to_string());
            assert_eq!(budget.as_deref(), written, "{text:?}");
            let pace = text.parse::<Pace>().ok().map(|pace| pace.to_string());
            assert_eq!(pace.as_deref(), written, "{text:?}");
        }
        assert_eq!("0".parse::<Budget>().unwrap().to_string(), "0");
        assert_eq!("1000".parse::<Budget>().unwrap().to_string(), "1000");
        assert!("0/1m".parse::<Pace>().is_err() && "10".parse::<Pace>().is_err());
    }
}
