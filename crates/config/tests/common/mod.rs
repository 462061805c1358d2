//! A world for the loader: variables, files and flags that a test names.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use keyward_config::{Flags, Input, Loaded, Mistakes, load};

/// What surrounds a configuration.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) files: BTreeMap<PathBuf, String>,
    pub(crate) flags: Flags,
}

impl World {
    /// Loads a text as `keyward.yaml`, or nothing.
    pub(crate) fn load(&self, text: Option<&str>) -> Result<Loaded, Mistakes> {
        load(Input {
            file: text.map(|text| (PathBuf::from("keyward.yaml"), text.to_owned())),
            env: &|name| self.env.get(name).map(OsString::from),
            flags: self.flags.clone(),
            read_file: &|path: &Path| {
                self.files.get(path).cloned().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
            },
        })
    }

    /// Reads the `#! env A=b`, `#! file path=text` and `#! flag --x=y` lines of a case.
    #[allow(dead_code, reason = "not every test file has cases")]
    pub(crate) fn of_case(text: &str) -> Self {
        let mut world = Self::default();
        for line in text.lines().filter_map(|line| line.strip_prefix("#! ")) {
            let (kind, rest) = line.split_once(' ').expect("kind and value");
            let (name, value) = rest.split_once('=').expect("name=value");
            match kind {
                "env" => _ = world.env.insert(name.to_owned(), value.to_owned()),
                "file" => _ = world.files.insert(name.into(), value.replace("\\n", "\n")),
                "flag" => world.flag(name, value.to_owned()),
                other => panic!("unknown kind {other}"),
            }
        }
        world
    }

    fn flag(&mut self, name: &str, value: String) {
        let flags = &mut self.flags;
        let slot = match name {
            "--public" => return flags.public.push(value),
            "--preset" => &mut flags.preset,
            "--host" => &mut flags.host,
            "--port" => &mut flags.port,
            "--upstream" => &mut flags.upstream,
            "--data-dir" => &mut flags.data_dir,
            "--api-key" => &mut flags.api_key,
            "--api-key-file" => &mut flags.api_key_file,
            "--admin-host" => &mut flags.admin_host,
            "--admin-port" => &mut flags.admin_port,
            other => panic!("unknown flag {other}"),
        };
        *slot = Some(value);
    }
}
