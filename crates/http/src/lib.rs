//! Pure HTTP: what a decision looks like as an answer, which headers change on the way, and how own endpoints are called.

pub mod answer;
pub mod edits;
pub mod identity;
pub mod limits;
pub mod names;
pub mod own;
pub mod problem;
