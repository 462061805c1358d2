//! What listings and cards of every kind of record share.

use keyward_api::view::Listing;

use crate::exit::{Failed, Result};

/// How many records are asked for at once.
const PAGE: u32 = 500;

/// A listing of at most `limit` records (0 = all), asked for page by page.
///
/// # Errors
/// What asking says.
pub fn all<T>(
    limit: u32,
    mut cursor: Option<String>,
    mut ask: impl FnMut(Option<String>, u32) -> Result<Listing<T>>,
) -> Result<Listing<T>> {
    let mut data: Vec<T> = Vec::new();
    loop {
        let missing = u32::try_from(data.len()).map_or(0, |have| limit.saturating_sub(have));
        let page = if limit == 0 { PAGE } else { missing.min(PAGE) };
        let listing = ask(cursor, page)?;
        data.extend(listing.data);
        cursor = listing.next_cursor;
        let enough = limit != 0 && u32::try_from(data.len()).is_ok_and(|have| have >= limit);
        if cursor.is_none() || enough {
            return Ok(Listing { data, next_cursor: cursor });
        }
    }
}

/// Names and values, one a line.
pub fn card(rows: &[(&str, String)]) -> String {
    rows.iter().map(|(name, value)| format!("  {name:<12} {value}")).collect::<Vec<_>>().join("\n")
}

/// The words of a comma-separated list.
pub fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// A list of addresses as it is given; `otherwise` says what to do for none.
///
/// # Errors
/// It is there and names none: an unset variable of a script must not open anything to everybody.
pub fn addresses(list: Option<&str>, otherwise: &str) -> Result<Option<Vec<String>>> {
    match list.map(words) {
        Some(list) if list.is_empty() => {
            Err(Failed::Refused(format!("{otherwise} for what may be used from anywhere")))
        }
        list => Ok(list),
    }
}
