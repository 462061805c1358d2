//! The ports of a server: bound, or taken over from the process that had them.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::os::unix::net::UnixListener;

use keyward_edge::{Bound, Place};

use crate::certificates::Certificates;
use crate::exit::{Failed, Result};
use crate::handover::Sockets;
use crate::settings::Loaded;

/// The ports as taken.
pub struct Doors {
    /// The data port.
    pub data: Bound,
    /// The admin port.
    pub admin: TcpListener,
    /// Where commands come, if it was taken over; else it is made once the data directory is held.
    pub control: Option<UnixListener>,
    /// What TLS on the data port goes by.
    pub certificates: Option<Certificates>,
    /// The data port was taken over where it is.
    pub stays: bool,
}

impl Doors {
    /// Takes over what is offered where the configuration wants it, and binds the rest.
    ///
    /// # Errors
    /// A port that is taken, a certificate that cannot be used.
    pub fn open(loaded: &Loaded, cores: NonZeroUsize, offered: Sockets) -> Result<Self> {
        let settings = loaded.settings();
        let certificates = Certificates::open(settings)?;
        let place = match &settings.server.socket {
            Some(path) => Place::Unix(path.clone()),
            None => Place::Tcp(SocketAddr::new(settings.server.host, settings.server.port)),
        };
        let taken = Bound::take_over(offered.data, &place, cores).map_err(failed)?;
        let stays = taken.is_some();
        let data = taken.map_or_else(|| bind_data(&place, cores), Ok)?;
        let address = SocketAddr::new(settings.admin.host, settings.admin.port);
        let taken = Bound::take_over(offered.admin.into_iter().collect(), &Place::Tcp(address), NonZeroUsize::MIN);
        let flags = "--admin-host and --admin-port";
        let bound = taken.map_err(failed)?.map_or_else(|| bind(address, NonZeroUsize::MIN, flags), Ok)?;
        let admin = bound.into_listener().ok_or_else(|| Failed::Refused(format!("cannot listen on {address}")))?;
        let control = offered.control.map(UnixListener::from);
        Ok(Self { data, admin, control, certificates, stays })
    }
}

fn bind_data(place: &Place, cores: NonZeroUsize) -> Result<Bound> {
    match place {
        Place::Tcp(address) => bind(*address, cores, "--host and --port"),
        Place::Unix(path) => Bound::bind_file(path, cores)
            .map_err(|error| Failed::Refused(format!("{error}; server.socket names another place"))),
    }
}

fn bind(address: SocketAddr, cores: NonZeroUsize, flags: &str) -> Result<Bound> {
    Bound::bind(address, cores).map_err(|error| Failed::Refused(format!("{error}; {flags} name another")))
}

fn failed(error: impl std::fmt::Display) -> Failed {
    Failed::Refused(error.to_string())
}
