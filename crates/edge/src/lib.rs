//! The data plane: sockets, one runtime per core, and the reverse proxy before the upstreams.
//!
//! `bind` takes the port or the `socket_file`, or what another process `handed` over; `edge` starts and stops one thread per core, and
//! `per_core` is what such a thread runs.
//! `server` runs one client's connection: `arrival` goes through what comes before HTTP (`tls`), `client` reads heads and writes
//! answers, `exchange` decides on each and passes it to `forward` and `relay` (over a connection of `pool`, which `dial` makes, to
//! an address that `upstream` chooses and `checks` asks after), to `own` or to `demo`; `pump` moves bodies through `buffer`s,
//! `gather` waits for the whole body where a signature over it decides, as far as there is room (`held`); `refused` and `note` say
//! what became of it. What the bytes mean is `keyward_http::h1`'s. `fetch` gets others' documents for the control plane. `watch` makes every time limit true
//! with one timer per core, `guard` ends what may not go on, and `tunnel` carries what became another protocol. `h2` carries
//! streams of HTTP/2 over into connections that `server` runs and `pool` gives out.

mod arrival;
mod bind;
mod buffer;
mod checks;
mod client;
mod config;
mod demo;
mod dial;
mod edge;
mod exchange;
mod fetch;
mod forward;
mod gather;
mod guard;
mod h2;
mod handed;
mod held;
mod io;
mod listener;
mod note;
mod origin;
mod own;
mod per_core;
mod place;
mod pool;
mod pump;
mod refused;
mod relay;
mod server;
mod setup;
mod socket_file;
mod tls;
mod trailing;
mod trust;
mod tunnel;
mod upstream;
mod vouched;
mod watch;

pub use bind::{BindError, Bound};
pub use checks::run as check;
pub use config::{EdgeConfig, Limits, Timeouts};
pub use edge::{Edge, LINGER};
pub use fetch::{Fetcher, Letter, Taking, Unheard, follow, send};
pub use origin::Address;
pub use place::Place;
pub use setup::{Caps, Check, Setup, Setups, Upstream, Vouch};
pub use tls::{Identity, IdentityError, Part, Prepared, TlsDoor};
pub use trust::{Trust, TrustError};
