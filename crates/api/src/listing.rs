//! Pages of listings: newest first, each with a cursor that leads to the next.

use keyward_core::time::Timestamp;
use keyward_engine::ports::Page;

use crate::failure::{Failure, Kind};
use crate::view::Listing;

/// The most entries of one page.
pub(crate) const MOST: u32 = 1000;

/// The one record that a text means, of those that it may mean. An id means its own record, whoever else is called like it.
///
/// # Errors
/// It may mean more than one: nobody is changed by mistake.
pub fn only<R>(mut found: Vec<R>, text: &str, noun: &str, id: impl Fn(&R) -> &str) -> Result<Option<R>, Failure> {
    if let Some(place) = found.iter().position(|one| id(one) == text) {
        return Ok(Some(found.swap_remove(place)));
    }
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().map(id).collect();
        return Err(Failure {
            kind: Kind::Conflict,
            message: format!(
                "{text:?} may mean more than one {noun}, by name or by external id: {}; say which by its id. Nothing was \
                 changed",
                ids.join(", ")
            ),
        });
    }
    Ok(found.pop())
}

/// Where a record stands in a listing.
pub trait Place {
    /// When it was made, and its id.
    fn place(&self) -> (Timestamp, &str);
}

/// The page after a cursor, one record longer than asked for: that tells whether there is a next one.
///
/// # Errors
/// A cursor that is none of ours.
pub fn page(cursor: Option<&str>, limit: u32) -> Result<(Page, u32), Failure> {
    let limit = limit.clamp(1, MOST);
    Ok((Page { after: cursor.map(read).transpose()?, limit: limit + 1 }, limit))
}

/// A page as it is shown.
pub fn of<R: Place, V>(records: &[R], limit: u32, view: impl Fn(&R) -> V) -> Listing<V> {
    cut(records, limit, view, |last| write(last.place()))
}

/// As [`of`], with cursors of another kind.
pub fn cut<R, V>(records: &[R], limit: u32, view: impl Fn(&R) -> V, cursor: impl Fn(&R) -> String) -> Listing<V> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (records, more) = records.split_at(limit.min(records.len()));
    let next_cursor = records.last().filter(|_| !more.is_empty()).map(cursor);
    Listing { data: records.iter().map(view).collect(), next_cursor }
}

/// Whether a text may be an id of ours: its word, `_`, and letters and digits.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a status of a user or account is a pause.
///
/// # Errors
/// Another word.
pub(crate) fn paused(status: Option<&str>) -> Result<Option<bool>, Failure> {
    match status {
        None => Ok(None),
        Some("active") => Ok(Some(false)),
        Some("disabled") => Ok(Some(true)),
        Some(_) => Err(Failure::invalid("a status is active or disabled")),
    }
}

fn write((at, id): (Timestamp, &str)) -> String {
    format!("{}.{id}", at.as_millis())
}

fn read(cursor: &str) -> Result<(Timestamp, Box<str>), Failure> {
    let parts = cursor.split_once('.').filter(|(_, id)| is_id(id));
    let parts = parts.and_then(|(at, id)| Some((at.parse().ok()?, id)));
    let (at, id) = parts.ok_or_else(|| Failure::invalid("the cursor is not one that a listing here gave"))?;
    Ok((Timestamp::from_millis(at), id.into()))
}
