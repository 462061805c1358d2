//! Pages of listings: newest first, each with a cursor that leads to the next.

use keyward_core::time::Timestamp;
use keyward_engine::ports::Page;

use crate::failure::Failure;
use crate::view::Listing;

/// The most entries of one page.
const MOST: u32 = 1000;

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
pub fn of<R: Place, V>(mut records: Vec<R>, limit: u32, view: impl Fn(&R) -> V) -> Listing<V> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = records.len() > limit;
    records.truncate(limit);
    let next_cursor = records.last().filter(|_| more).map(|last| write(last.place()));
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
