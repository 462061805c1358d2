//! Other issuers as the server follows them: started once, and told of another configuration.

use std::sync::Arc;

use keyward_config::Settings;
use keyward_edge::Fetcher;
use keyward_engine::issuers::{Followed, Wanted, follow};
use keyward_engine::node::Node;
use keyward_engine::ports::Clock;
use tokio::sync::watch;

/// The issuers that a running server follows.
pub struct Issuers {
    wanted: watch::Sender<Vec<Wanted>>,
    /// What is told of them.
    pub followed: Arc<Followed>,
}

impl Issuers {
    /// Follows those of a configuration from now on, on the control runtime. Whether they answer holds up nothing.
    pub fn start(settings: &Settings, node: &Arc<Node>, clock: &Arc<dyn Clock>) -> Self {
        let (wanted, heard) = watch::channel(wanted(settings));
        let followed = Arc::<Followed>::default();
        let asks = node.shared().issuers().open();
        let plane = (Arc::clone(node), Arc::clone(clock));
        tokio::spawn(follow(plane, Arc::new(Fetcher), heard, asks, Arc::clone(&followed)));
        Self { wanted, followed }
    }

    /// Follows those of another configuration.
    pub fn configure(&self, settings: &Settings) {
        let next = wanted(settings);
        self.wanted.send_if_modified(|now| {
            let is_other = *now != next;
            *now = next;
            is_other
        });
    }
}

fn wanted(settings: &Settings) -> Vec<Wanted> {
    let one = |issuer: &keyward_config::settings::Issuer| Wanted {
        name: issuer.issuer.as_str().into(),
        jwks_url: issuer.jwks_url.as_deref().map(Into::into),
    };
    settings.security.issuers.iter().map(one).collect()
}
