//! Pure HTTP: who calls, what a decision looks like as an answer, which headers change on the way, which pages may call, and
//! how own endpoints are called.

pub mod answer;
pub mod bounds;
pub mod caller;
pub mod cors;
pub mod edits;
mod forwarding;
pub mod h1;
pub mod h2;
mod hops;
pub mod identity;
pub mod limits;
pub mod names;
pub mod oauth;
pub mod own;
pub mod problem;
pub mod proxy_protocol;
pub mod spoken;
pub mod templates;
pub mod trailers;
