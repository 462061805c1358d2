//! Text to a checked configuration: layers are merged with the origin of each value, every mistake is told at once, and
//! what passes is a [`Settings`] of plain typed values, which [`rules`] turns into the rules that decisions read.
//!
//! The way of a value: `parse` (text to tree) · `not_yet`, `substitute` · `merge` over `defaults` and a `preset`, then the
//! variables of `env_table` and our own `overrides` · `repair` and `de` (tree to types) · `check` (what types cannot say). Nothing is read from the environment or from
//! disk except through [`Input`].

mod check;
mod compile;
mod de;
mod defaults;
mod diff;
mod doors;
mod env_table;
mod guarding;
mod merge;
mod mistake;
mod node;
mod not_yet;
mod overrides;
mod parse;
mod place;
mod plans;
mod preset;
mod repair;
mod report;
mod schema;
mod secret;
pub mod settings;
mod show;
mod substitute;
mod suggest;
mod text;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

pub use compile::rules;
pub use diff::Changed;
pub use doors::{cors, requests, responses, trusted_proxies};
pub use mistake::{Mistake, Mistakes};
pub use overrides::{CONFIG_VARIABLE, Flags};
pub use place::{Origin, Place};
pub use preset::{PRESET_VARIABLE, import_members, presets};
pub use schema::schema;
pub use settings::Settings;
pub use show::Shown;
pub use text::{
    Balance, BasicPassword, Color, EndpointPath, Files, HealthPath, HostSeen, Prefix, RefreshBy, Seconds, Size,
    StripPrefix, TokenSecret, UpstreamUrl, WebhookFormat,
};

use crate::defaults::Defaults;
use crate::node::Node;
use crate::report::Report;
use crate::substitute::Outside;

/// All that a configuration is made from.
pub struct Input<'a> {
    /// The configuration file: its path as the operator gave it, and its text.
    pub file: Option<(PathBuf, String)>,
    /// Reads an environment variable; `std::env::var_os` outside tests.
    pub env: &'a dyn Fn(&str) -> Option<OsString>,
    /// What the command line says.
    pub flags: Flags,
    /// Reads a file that the configuration or a flag refers to; `std::fs::read_to_string` outside tests.
    pub read_file: &'a dyn Fn(&Path) -> io::Result<String>,
}

/// A configuration without mistakes.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its values.
    pub settings: Settings,
    /// What is doubtful but allowed.
    pub warnings: Vec<Mistake>,
    /// The preset that it rests on.
    pub preset: Option<&'static str>,
    shown: Vec<Shown>,
}

impl Loaded {
    /// Each value that holds with its origin, secrets masked.
    pub fn show(&self) -> &[Shown] {
        &self.shown
    }

    /// What differs from an earlier one.
    pub fn changes_since(&self, before: &Self) -> Vec<Changed> {
        diff::changes(&before.shown, &self.shown)
    }
}

/// Reads, merges and checks a configuration.
///
/// # Errors
/// Every mistake at once; a text that is no YAML is reported alone.
pub fn load(input: Input<'_>) -> Result<Loaded, Mistakes> {
    let Input { file, env, flags, read_file } = input;
    let (path, text) = file.unzip();
    let folder = path.as_deref().and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
    let outside = Outside { env, read_file, folder };
    let mut report = Report::default();
    let mut schemes: BTreeSet<String> = BTreeSet::new();

    let defaults = Defaults::new();
    let mut tree = defaults.tree();
    let preset = preset::chosen(&flags, env, &mut report);
    if let Some((name, text)) = preset {
        // A test reads every preset, so that no configuration meets one that does not parse.
        if let Ok(layer) = parse::parse(text, &Origin::Preset(name)) {
            schemes.extend(layer.get("schemes").into_iter().flat_map(Node::entries).map(|one| one.key.clone()));
            merge::merge(&mut tree, prepare(layer, &outside, &mut report));
        }
    }
    if let (Some(path), Some(text)) = (&path, &text) {
        let origin = Origin::File(path.display().to_string().into());
        match parse::parse(text, &origin) {
            Ok(layer) => {
                // Names of schemes count as known even where the scheme itself is mistaken.
                schemes.extend(layer.get("schemes").into_iter().flat_map(Node::entries).map(|one| one.key.clone()));
                merge::merge(&mut tree, prepare(layer, &outside, &mut report));
            }
            Err(error) => {
                let known = schema::names();
                secret::unknown_words(text, &error.place, &known).into_iter().for_each(|at| report.mask_place(at));
                report.mistake(&error.place, error.message, [] as [String; 0]);
                return Err(report.refuse(Some(text)));
            }
        }
    }
    env_table::apply(&mut tree, env, &mut report);
    overrides::apply(&mut tree, flags, &outside, &mut report);
    defaults.complete_routes(&mut tree);
    defaults.complete_upstreams(&mut tree);

    let settings = repair::read::<Settings>(&mut tree, &defaults, &mut report);
    if let Some(settings) = &settings {
        schemes.extend(settings.schemes.keys().cloned());
        check::check(&mut check::Look { settings, tree: &tree, schemes: &schemes, report: &mut report });
    }
    let data_dir = settings.as_ref().map(|settings| settings.data.dir.clone());
    let finished = report.finish(text.as_deref());
    let warnings = finished.map_err(|mistakes| Mistakes { data_dir: data_dir.clone(), ..mistakes })?;
    match settings {
        Some(settings) => {
            Ok(Loaded { settings, warnings, preset: preset.map(|(name, _)| name), shown: show::show(&tree) })
        }
        // Reading ends without settings only after a mistake, which `finish` has told.
        None => Err(Mistakes { mistakes: Vec::new(), warnings, data_dir }),
    }
}

/// What is done to a file's tree before it is merged.
fn prepare(mut layer: Node, outside: &Outside<'_>, report: &mut Report) -> Node {
    secret::mask_literals(&layer, report);
    not_yet::refuse(&mut layer, report);
    substitute::substitute(&mut layer, outside, report);
    layer
}
