//! What is written down of one exchange: the engine's note, in the words of a door.

use keyward_core::decision::Denial;
use keyward_engine::noting::{Desk, Noting};
use keyward_engine::worker::Judged;
use keyward_http::own::{Ids, Refusal};
use keyward_http::spoken::spoken;

use crate::client::Client;
use crate::refused::Refused;

/// A note in the making.
pub(crate) type Note<'a> = Noting<'a>;

/// Where a client's requests are decided and kept.
pub(crate) fn desk(client: &Client) -> Desk<'_> {
    Desk { worker: &client.core.worker, ledger: &client.core.ledger }
}

/// The request may not pass.
pub(crate) fn denied<'a>(note: &mut Note<'a>, denial: &Denial) -> Judged<'a> {
    note.denied(denial, spoken(denial, note.snapshot().rules()))
}

/// What the decision is called now, and what it would be called if an own endpoint refused it.
pub(crate) fn ids(note: &Note<'_>) -> Ids {
    let renamed = note.renaming();
    Ids::new(note.id(), move |Refusal { outcome, detail }| renamed(outcome, detail))
}

/// It was refused.
pub(crate) fn refused(note: &mut Note<'_>, refused: &Refused) {
    note.close(refused.outcome, refused.detail.clone(), refused.answer.status().as_u16());
}
