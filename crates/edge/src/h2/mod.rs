//! HTTP/2 at the edge: a library speaks it, and each stream is carried over into a connection of HTTP/1.1 in memory, which the
//! same code serves and forwards that does so for sockets (`docs/decisions/0017`).
//!
//! `front` serves clients, `back` calls upstreams; `pipe` is the connection in memory, `body` carries bodies over, `carrier`
//! gives a connection to the library.

pub(crate) mod back;
mod body;
mod carrier;
pub(crate) mod front;
pub(crate) mod pipe;

#[cfg(test)]
mod tests;
