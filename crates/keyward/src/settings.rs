//! The configuration as a command gets it: the file, the environment and the flags, read here and nowhere else.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use keyward_config::{CONFIG_VARIABLE, Flags, Input, Mistakes, Settings};

use crate::cli::{Cli, Serve};
use crate::exit::{Failed, Result};
use crate::file_watch::{Stamp, stamp};
use crate::{remote, terminal};

/// What a configuration file is mostly called.
const USUAL_FILE: &str = "keyward.yaml";

/// A configuration without mistakes.
pub struct Loaded {
    /// The checked configuration.
    pub config: keyward_config::Loaded,
    /// The file it came from, if any.
    pub file: Option<PathBuf>,
    /// What the file was before it was read.
    pub stamp: Option<Stamp>,
    /// The configuration has mistakes; this stands in for it, and says no more than where the running server is.
    pub stands_in: bool,
}

impl Loaded {
    /// For a command other than `serve`: its flags are the common ones. Warnings are for `serve` and `config check`.
    ///
    /// # Errors
    /// Every mistake in the configuration, told on stderr.
    pub fn for_command(cli: &Cli) -> Result<Self> {
        if remote::named(cli).is_some() {
            return Err(remote::only_there());
        }
        Self::read(cli, None)?.or_else(|mistakes| {
            let running = Self::of_running(cli, &mistakes).ok_or_else(|| tell(cli, &mistakes))?;
            terminal::warn_line(
                "keyward: the configuration has mistakes (`keyward config check` tells them); the running server goes on \
                 without them, and carries this out",
            );
            Ok(running)
        })
    }

    /// For a command that a running server carries out, whatever became of the configuration since: it needs to know
    /// where the server is, and nothing else. `None`: none runs there.
    pub fn of_running(cli: &Cli, mistakes: &Mistakes) -> Option<Self> {
        let named = cli.data_dir.clone().or_else(|| variable("KEYWARD_DATA_DIR").map(PathBuf::from));
        let data_dir = named.or_else(|| mistakes.data_dir.clone())?;
        crate::socket::connect(&data_dir).ok()?;
        let flags = Flags { data_dir: Some(data_dir.to_str()?.to_owned()), ..Flags::default() };
        let read_file = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
        let config = keyward_config::load(Input { file: None, env: &|_| None, flags, read_file: &read_file }).ok()?;
        Some(Self { config, file: None, stamp: None, stands_in: true })
    }

    /// For `serve`; warnings are told.
    ///
    /// # Errors
    /// Every mistake in the configuration, told on stderr.
    pub fn for_serve(cli: &Cli, flags: &Serve) -> Result<Self> {
        if cli.server.is_some() {
            return Err(remote::only_there());
        }
        let loaded = Self::read(cli, Some(flags))?.map_err(|mistakes| tell(cli, &mistakes))?;
        loaded.tell_of_unread();
        for warning in &loaded.config.warnings {
            terminal::warn_line(warning.render_warning(false).trim_end());
        }
        if flags.api_key.is_some() {
            terminal::warn_line(
                "keyward: others on this machine can see the key in --api-key; prefer --api-key-file or KEYWARD_API_KEY",
            );
        }
        Ok(loaded)
    }

    /// Reads and checks, and hands back the mistakes.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn read(cli: &Cli, serve: Option<&Serve>) -> Result<std::result::Result<Self, Mistakes>> {
        Self::read_with(cli, serve, &variable)
    }

    /// The same, with other variables than those of this process.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn read_with(
        cli: &Cli,
        serve: Option<&Serve>,
        env: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<std::result::Result<Self, Mistakes>> {
        let file = configuration_file(cli)?;
        // Before it is read: a change in between is seen later, and not missed.
        let stamp = file.as_deref().and_then(stamp);
        let text = file
            .as_deref()
            .map(|path| {
                std::fs::read_to_string(path).map_err(|error| {
                    Failed::Refused(format!("cannot read the configuration {}: {error}", path.display()))
                })
            })
            .transpose()?;
        let input = Input {
            file: file.clone().zip(text),
            env,
            flags: flags(cli, serve)?,
            read_file: &|path: &Path| std::fs::read_to_string(path),
        };
        Ok(keyward_config::load(input).map(|config| Self { config, file, stamp, stands_in: false }))
    }

    /// Says so where a configuration lies in this directory that nobody named: it counts for nothing, and whoever wrote it may
    /// think otherwise.
    pub fn tell_of_unread(&self) {
        if self.file.is_none() && Path::new(USUAL_FILE).is_file() {
            terminal::warn_line(&format!(
                "keyward: there is a {USUAL_FILE} here, and it was not read; `--config {USUAL_FILE}` reads it"
            ));
        }
    }

    /// The values.
    pub fn settings(&self) -> &Settings {
        &self.config.settings
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.settings().data.dir
    }
}

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn configuration_file(cli: &Cli) -> Result<Option<PathBuf>> {
    if cli.config.is_some() {
        return Ok(cli.config.clone());
    }
    match variable(CONFIG_VARIABLE) {
        Some(path) if path.is_empty() => {
            Err(Failed::Refused(format!("{CONFIG_VARIABLE} is set but empty; name a file or unset it")))
        }
        path => Ok(path.map(PathBuf::from)),
    }
}

fn flags(cli: &Cli, serve: Option<&Serve>) -> Result<Flags> {
    let data_dir = text("--data-dir", cli.data_dir.as_deref())?;
    let mut flags = Flags { preset: cli.preset.clone(), data_dir, ..Flags::default() };
    if let Some(serve) = serve {
        flags.host.clone_from(&serve.host);
        flags.port.clone_from(&serve.port);
        flags.upstream.clone_from(&serve.upstream);
        flags.public.clone_from(&serve.public);
        flags.api_key.clone_from(&serve.api_key);
        flags.api_key_file = text("--api-key-file", serve.api_key_file.as_deref())?;
        flags.admin_host.clone_from(&serve.admin_host);
        flags.admin_port.clone_from(&serve.admin_port);
    }
    Ok(flags)
}

/// A path as the configuration holds it. Letters put in for bytes that are none would name another file.
fn text(flag: &str, path: Option<&Path>) -> Result<Option<String>> {
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| {
            Failed::Refused(format!("{flag} {path:?} is not UTF-8; name a path that is, or a link to this one"))
        })
    };
    path.map(text).transpose()
}

fn tell(cli: &Cli, mistakes: &Mistakes) -> Failed {
    if cli.json {
        terminal::warn_line(&serde_json::to_string_pretty(mistakes).unwrap_or_default());
    } else {
        terminal::warn_line(mistakes.render(false).trim_end());
    }
    Failed::Told
}
