//! Configurations that operators send to be checked, without what they would do.

use std::io;
use std::path::Path;

use keyward_admin::{Checked, Configurations, Mistake};
use keyward_config::{Flags, Input};

use crate::settings::variable;

/// What stands for a file that a text names: whoever may check a configuration may not read files by it.
const ANY_FILE: &str = "a text that stands for the content of a file, long enough to be a secret";

/// Checks texts as files of this server, on top of the preset that it was started with.
pub fn configurations(preset: Option<String>) -> Configurations {
    Configurations { check: Box::new(move |text| check(text, preset.clone())), schema: keyward_config::schema }
}

fn check(text: &str, preset: Option<String>) -> Checked {
    let placeholder = |_: &Path| -> io::Result<String> { Ok(ANY_FILE.to_owned()) };
    let loaded = keyward_config::load(Input {
        file: Some(("keyward.yaml".into(), text.to_owned())),
        env: &|name| variable(name),
        flags: Flags { preset, ..Flags::default() },
        read_file: &placeholder,
    });
    let view = |all: Vec<keyward_config::Mistake>| {
        let view = |one: keyward_config::Mistake| Mistake {
            line: one.line,
            column: one.column,
            message: one.message,
            help: one.help,
        };
        all.into_iter().map(view).collect()
    };
    match loaded {
        Ok(loaded) => Checked { ok: true, mistakes: Vec::new(), warnings: view(loaded.warnings) },
        Err(wrong) => Checked { ok: false, mistakes: view(wrong.mistakes), warnings: view(wrong.warnings) },
    }
}
