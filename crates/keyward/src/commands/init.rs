//! `keyward init`: makes an empty data directory, for keys that are to be there before the first start.

use crate::cli::Cli;
use crate::data_dir::{DataDir, Held};
use crate::exit::{Failed, Result};
use crate::first_start::{self, FirstPassword};
use crate::settings::Loaded;
use crate::{terminal, wire};

/// Makes the data directory; one that is there already is left as it is.
///
/// # Errors
/// It cannot be made or written, or a server holds it.
pub fn run(cli: &Cli) -> Result<()> {
    let loaded = Loaded::for_command(cli)?;
    let path = loaded.data_dir();
    let data_dir = match DataDir::create(path)? {
        Held::Ours(data_dir) => data_dir,
        Held::Other(holder) => {
            let path = path.display();
            return Err(Failed::Refused(format!("the data directory {path} is held by {holder}; nothing was changed")));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::Refused(format!("cannot start: {error}")))?;
    let (is_new, password) = runtime.block_on(async {
        let (store, is_new) = wire::create_store(loaded.settings(), &data_dir).await?;
        store.close().await.map_err(|error| Failed::Refused(error.to_string()))?;
        let service = wire::service_alone(&loaded, &data_dir).await?;
        let shown = terminal::is_terminal() && !cli.json;
        let password = first_start::ensure(&service, data_dir.path(), shown).await?;
        // What cannot be sealed now is sealed by whoever comes next.
        let _ = service.sealer.seal(&*service.store).await;
        service.store.close().await.map_err(|error| Failed::Refused(error.to_string()))?;
        Ok::<_, Failed>((is_new, password))
    })?;
    if cli.json {
        let file = match &password {
            Some(FirstPassword::Written(file)) => Some(file),
            _ => None,
        };
        terminal::json(&serde_json::json!({"dataDir": path, "created": is_new, "adminPasswordFile": file}));
    } else if !is_new {
        terminal::line(&format!("{} was there already; nothing was changed", path.display()));
    } else {
        terminal::line(&format!("made {}; next: `keyward key create NAME` or `keyward serve`", path.display()));
    }
    match &password {
        Some(FirstPassword::Shown(text)) => {
            terminal::line(&format!("{text}\n  the password of user admin, shown once: it cannot be shown again"));
        }
        Some(FirstPassword::Written(file)) if !cli.json => {
            terminal::line(&format!("the password of user admin is in {}", file.display()));
        }
        _ => {}
    }
    Ok(())
}
