//! What a door knows of a request before anything is decided.

use std::net::IpAddr;

use http::Method;

use crate::fields::Fields;
use crate::path::{PathFault, Target};
use crate::plane::Plane;

/// What a door knows of a request.
#[derive(Clone, Copy)]
pub struct RequestFacts<'a> {
    /// Where it came in.
    pub plane: Plane,
    /// Who calls, as an address; any spelling of it.
    pub client: IpAddr,
    /// The method.
    pub method: &'a Method,
    /// The target, or why it has no single reading.
    pub target: &'a Result<Target<'a>, PathFault>,
    /// The headers.
    pub headers: Fields<'a>,
}

impl std::fmt::Debug for RequestFacts<'_> {
    /// Without the headers and the query: credentials stand there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.target.as_ref().map(Target::path);
        f.debug_struct("RequestFacts")
            .field("plane", &self.plane)
            .field("client", &self.client)
            .field("method", self.method)
            .field("path", &path)
            .finish()
    }
}
