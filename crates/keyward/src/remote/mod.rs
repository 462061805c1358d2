//! Commands for a server elsewhere (`--server`): each becomes one call of its admin API, with a key that its operator made.

mod call;
mod events;
mod people;
mod server;
mod table;
mod used;

pub use call::asked;
pub use events::Events;
pub use server::{Server, named, only_there};
