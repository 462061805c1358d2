//! The data plane: sockets, one runtime per core, and the reverse proxy before the upstreams.
//!
//! `bind` takes the port, `edge` starts and stops one thread per core, and `per_core` is what such a thread runs. `server`
//! and `pool` speak HTTP by hyper, with the client and with an upstream; what lies between them (`client`, `head`, `exchange`,
//! `forward`, `own`, `demo`, `refused`, `note`) knows only the `http` types and `http_body::Body`. `watch` makes every
//! time limit true with one timer per core.

mod bind;
mod body;
mod client;
mod config;
mod demo;
mod edge;
mod exchange;
mod forward;
mod head;
mod note;
mod origin;
mod own;
mod per_core;
mod pool;
mod refused;
mod server;
mod setup;
mod stream;
mod watch;

pub use bind::{BindError, Bound};
pub use config::{EdgeConfig, Limits, Timeouts};
pub use edge::Edge;
pub use origin::Origin;
pub use setup::{Setup, Setups};
