//! Puts the parts together: a store, a service on it, and the rules of a configuration.

use std::sync::{Arc, RwLock};

use keyward_api::service::{Prefixes, Service, first_user};
use keyward_config::Settings;
use keyward_core::digest::MacKey;
use keyward_core::principal::Mode;
use keyward_core::rules::Rules;
use keyward_engine::ports::{Clock, Identity, Random, Store};
use keyward_engine::refresher::Refresher;
use keyward_store::SqliteStore;

use crate::data_dir::DataDir;
use crate::exit::{Failed, Result};
use crate::settings::Loaded;
use crate::system::{SystemClock, SystemRandom};

/// Opens the store of a data directory, made where it is missing, with its first user.
///
/// # Errors
/// The store cannot be opened or written.
pub async fn create_store(data_dir: &DataDir) -> Result<Arc<dyn Store>> {
    let now = SystemClock::new().now().wall;
    let store = SqliteStore::create_or_open(data_dir.path(), &SystemRandom, now).await.map_err(refused)?;
    store.ensure_user(&first_user(&SystemRandom, now)).await.map_err(refused)?;
    Ok(Arc::new(store))
}

/// A service for one command, without a server.
///
/// # Errors
/// The store cannot be opened.
pub async fn service_alone(loaded: &Loaded, data_dir: &DataDir) -> Result<Service> {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(data_dir.path()).await.map_err(refused)?);
    let identity = store.identity().await.map_err(refused)?;
    let rules = Arc::new(rules(loaded.settings()));
    Ok(service(loaded.settings(), store, &identity, Arc::new(SystemClock::new()), rules, None))
}

/// A service on an open store.
pub fn service(
    settings: &Settings,
    store: Arc<dyn Store>,
    identity: &Identity,
    clock: Arc<dyn Clock>,
    rules: Arc<Rules>,
    refresher: Option<Arc<Refresher>>,
) -> Service {
    let prefix = &settings.security.api_keys.prefix;
    Service {
        store,
        clock,
        random: Arc::new(SystemRandom),
        tag_key: identity.tag_key.clone(),
        rules: RwLock::new(rules),
        prefixes: Prefixes { live: prefix.of(Mode::Live), test: prefix.of(Mode::Test) },
        refresher,
    }
}

/// The rules of a configuration, operators' keys digested with a secret of this process.
pub fn rules(settings: &Settings) -> Rules {
    let mut secret = [0; 32];
    SystemRandom.fill(&mut secret);
    keyward_config::rules(settings, MacKey::from_bytes(secret))
}

fn refused(error: impl std::fmt::Display) -> Failed {
    Failed::Refused(error.to_string())
}
