//! The data plane: sockets, one runtime per core, and the reverse proxy before the upstreams.
//!
//! `bind` takes the port, `edge` starts and stops one thread per core, and `per_core` is what such a thread runs. `server`
//! runs one client's connection: `client` reads heads and writes answers, `exchange` decides on each and passes it to `forward` and
//! `relay` (over a connection of `pool`, to an address that `upstream` chooses), to `own` or to `demo`; `pump` moves bodies through `buffer`s, `refused` and `note` say
//! what became of it. What the bytes mean is `keyward_http::h1`'s. `watch` makes every time limit true with one timer per core.

mod bind;
mod buffer;
mod checks;
mod client;
mod config;
mod demo;
mod dial;
mod edge;
mod exchange;
mod forward;
mod io;
mod note;
mod origin;
mod own;
mod per_core;
mod pool;
mod pump;
mod refused;
mod relay;
mod server;
mod setup;
mod upstream;
mod watch;

pub use bind::{BindError, Bound};
pub use checks::run as check;
pub use config::{EdgeConfig, Limits, Timeouts};
pub use edge::Edge;
pub use origin::Address;
pub use setup::{Caps, Check, Setup, Setups, Upstream};
