//! The port to what was asked to be done once: which requests, and what was answered, sealed.

use keyward_core::time::Timestamp;

use crate::ports::Answer;

/// A request that is to be carried out once, however often it comes.
#[derive(Clone, Copy, Debug)]
pub struct Once {
    /// What it is known by: a digest of who asks, for what, and of the key that the caller gave it.
    pub name: [u8; 32],
    /// A digest of what it asks for.
    pub request: [u8; 32],
    /// When it came.
    pub at: Timestamp,
}

/// Where such a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It came for the first time, and is to be carried out.
    New,
    /// It was begun at this time, and has no answer yet.
    Running(Timestamp),
    /// Under this name something else was asked for.
    Other,
    /// It was answered with this, sealed.
    Done(Box<[u8]>),
}

/// What was asked to be done once.
pub trait OnceOnly: Send + Sync {
    /// Notes that a request came, unless it is there; what came before a time is forgotten in passing.
    fn begin_once<'a>(&'a self, once: &'a Once, forget_before: Timestamp) -> Answer<'a, Begun>;
    /// Keeps its answer, sealed; `None`: it failed, and may come again.
    fn end_once<'a>(&'a self, name: &'a [u8; 32], answer: Option<&'a [u8]>) -> Answer<'a, ()>;
}
