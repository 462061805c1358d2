//! Pages of listings: newest first, each with a cursor that leads to the next.

use keyward_core::time::Timestamp;
use keyward_engine::ports::Page;

use crate::failure::{Failure, Kind};
use crate::view::Listing;

/// The most entries of one page.
const MOST: u32 = 1000;

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
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (records, more) = records.split_at(limit.min(records.len()));
    let next_cursor = records.last().filter(|_| !more.is_empty()).map(|last| write(last.place()));
    Listing { data: records.iter().map(view).collect(), next_cursor }
}

fn write((at, id): (Timestamp, &str)) -> String {
    format!("{}.{id}", at.as_millis())
}

fn read(cursor: &str) -> Result<(Timestamp, Box<str>), Failure> {
    let parts = cursor.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id)));
    let (at, id) = parts.ok_or_else(|| Failure::invalid("the cursor is not one that a listing here gave"))?;
    Ok((Timestamp::from_millis(at), id.into()))
}
