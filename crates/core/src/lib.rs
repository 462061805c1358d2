//! The words and rules of Keyward, and the decision as a machine: no IO, no clock, no randomness, no global, no log line.

pub mod address;
pub mod algorithm;
pub mod api_key;
pub mod compact;
pub mod decision;
mod decision_id;
pub mod digest;
mod facts;
pub mod fields;
pub mod foreign;
pub mod key_format;
pub mod limit;
mod listener;
pub mod machine;
pub mod path;
pub mod principal;
pub mod route;
pub mod rules;
pub mod scheme;
pub mod scope;
pub mod session;
pub mod time;
pub mod token;
pub mod webhook;
pub mod written;
