//! Presets: configurations of the ordinary form inside the binary, the layer between the defaults and the file.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::overrides::Flags;
use crate::place::{Origin, Place};
use crate::report::Report;
use crate::suggest::suggest;

/// The variable that names a preset.
pub const PRESET_VARIABLE: &str = "KEYWARD_PRESET";

/// All presets by name.
const ALL: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/presets.rs"));

/// The presets with their texts, by name.
pub fn presets() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALL.iter().copied()
}

/// Where the programs that presets stand in for keep their keys: by preset, which member of a JSON list has which field of a key.
const IMPORTS: &str = include_str!("../presets/imports.json");

/// Which member of the JSON list that a preset's program keeps has which field of a key; `None`: it keeps none that is read.
pub fn import_members(preset: &str) -> Option<BTreeMap<String, String>> {
    let mut all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(IMPORTS).unwrap_or_default();
    all.remove(preset)
}

/// The preset that a flag or else the environment names.
pub(crate) fn chosen(
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<OsString>,
    report: &mut Report,
) -> Option<(&'static str, &'static str)> {
    let variable =
        || env(PRESET_VARIABLE).filter(|name| !name.is_empty()).map(|name| (Origin::Env(PRESET_VARIABLE.into()), name));
    let flag = flags.preset.as_ref().map(|name| (Origin::Flag("--preset"), name.into()));
    let (origin, name) = flag.or_else(variable)?;
    let name = name.to_string_lossy();
    let found = presets().find(|(known, _)| *known == name);
    if found.is_none() {
        let mut help = suggest(&name, presets().map(|(known, _)| known));
        help.push("`keyward preset list` lists them".to_owned());
        report.mistake(&Place::of(origin), "names no preset", help);
    }
    found
}
