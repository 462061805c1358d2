//! Environment variables and flags: the two strongest layers, made into trees like any other.

use std::ffi::OsString;
use std::path::Path;

use crate::node::{Node, Value};
use crate::place::{Origin, Place, at};
use crate::preset::PRESET_VARIABLE;
use crate::report::Report;
use crate::substitute::{Outside, secret_file};

/// The variable that names the configuration file. Its reader is the caller, who has to find the file first.
pub const CONFIG_VARIABLE: &str = "KEYWARD_CONFIG";

/// What the command line says, unparsed, so that a mistake in it is told like any other.
#[derive(Clone, Default)]
pub struct Flags {
    /// `--preset`
    pub preset: Option<String>,
    /// `--host`
    pub host: Option<String>,
    /// `--port`
    pub port: Option<String>,
    /// `--upstream`
    pub upstream: Option<String>,
    /// `--public`, each pattern
    pub public: Vec<String>,
    /// `--data-dir`
    pub data_dir: Option<String>,
    /// `--api-key`
    pub api_key: Option<String>,
    /// `--api-key-file`
    pub api_key_file: Option<String>,
    /// `--admin-host`
    pub admin_host: Option<String>,
    /// `--admin-port`
    pub admin_port: Option<String>,
}

impl std::fmt::Debug for Flags {
    /// Without values: one of them is a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flags(…)")
    }
}

/// One layer from outside the files.
struct Layer {
    /// Place in the configuration, and the value for it.
    values: Vec<(&'static str, Origin, String)>,
    public: Option<(Origin, Vec<String>)>,
    key: Option<(Origin, String)>,
    key_file: Option<(Origin, String)>,
}

/// Lays variables, then flags, on a merged tree.
pub(crate) fn apply(tree: &mut Node, flags: Flags, outside: &Outside<'_>, report: &mut Report) {
    let layers = [from_env(outside.env, report), from_flags(flags)];
    let mut public = None;
    let mut key = None;
    for layer in layers {
        for (path, origin, text) in layer.values {
            tree.set_at(path, Node::outer(text, origin));
        }
        public = layer.public.or(public);
        key = the_key(layer.key, layer.key_file, outside, report).or(key);
    }
    if let Some((origin, patterns)) = public {
        open_paths(tree, &origin, patterns);
    }
    if let Some((origin, key)) = key {
        add_key(tree, &origin, key);
    }
}

fn from_env(env: &dyn Fn(&str) -> Option<OsString>, report: &mut Report) -> Layer {
    let mut read = |name: &'static str| {
        let complain = |report: &mut Report, what: &str| {
            report.mistake(&Place::of(Origin::Env(name.into())), what, ["give it a value, or unset it"]);
            None
        };
        match env(name).map(OsString::into_string) {
            None => None,
            Some(Err(_)) => complain(report, "is not UTF-8"),
            Some(Ok(text)) if text.is_empty() => complain(report, "is set but empty"),
            Some(Ok(text)) => Some((Origin::Env(name.into()), text)),
        }
    };
    read(CONFIG_VARIABLE);
    read(PRESET_VARIABLE);
    let twins = [
        ("server.host", "KEYWARD_HOST"),
        ("server.port", "KEYWARD_PORT"),
        ("upstream.url", "KEYWARD_UPSTREAM"),
        ("data.dir", "KEYWARD_DATA_DIR"),
        ("admin.host", "KEYWARD_ADMIN_HOST"),
        ("admin.port", "KEYWARD_ADMIN_PORT"),
    ];
    let list = |text: String| text.split(',').map(|item| item.trim().to_owned()).collect();
    Layer {
        values: twins
            .into_iter()
            .filter_map(|(path, name)| read(name).map(|(origin, text)| (path, origin, text)))
            .collect(),
        public: read("KEYWARD_PUBLIC").map(|(origin, text)| (origin, list(text))),
        key: read("KEYWARD_API_KEY"),
        key_file: read("KEYWARD_API_KEY_FILE"),
    }
}

fn from_flags(flags: Flags) -> Layer {
    let flag = |name, value: Option<String>| value.map(|text| (Origin::Flag(name), text));
    let twins = [
        ("server.host", flag("--host", flags.host)),
        ("server.port", flag("--port", flags.port)),
        ("upstream.url", flag("--upstream", flags.upstream)),
        ("data.dir", flag("--data-dir", flags.data_dir)),
        ("admin.host", flag("--admin-host", flags.admin_host)),
        ("admin.port", flag("--admin-port", flags.admin_port)),
    ];
    let public = Some(flags.public).filter(|patterns| !patterns.is_empty());
    Layer {
        values: twins
            .into_iter()
            .filter_map(|(path, value)| value.map(|(origin, text)| (path, origin, text)))
            .collect(),
        public: public.map(|patterns| (Origin::Flag("--public"), patterns)),
        key: flag("--api-key", flags.api_key),
        key_file: flag("--api-key-file", flags.api_key_file),
    }
}

fn the_key(
    key: Option<(Origin, String)>,
    file: Option<(Origin, String)>,
    outside: &Outside<'_>,
    report: &mut Report,
) -> Option<(Origin, String)> {
    match (key, file) {
        (Some((one, _)), Some((other, _))) => {
            let place = Place::of(other);
            report.mistake(&place, format!("stands beside {}", Place::of(one)), ["one key, from one of the two"]);
            None
        }
        (None, Some((origin, path))) => match secret_file(Path::new(&path), outside.read_file) {
            Ok(key) => Some((origin, key)),
            Err(message) => {
                report.mistake(&Place::of(origin), message, [] as [String; 0]);
                None
            }
        },
        (key, None) => key,
    }
}

/// Puts public routes in front of all others.
fn open_paths(tree: &mut Node, origin: &Origin, patterns: Vec<String>) {
    let route = |(index, pattern): (usize, String)| {
        let text = |text: String| Node::outer(text, origin.clone());
        let name = text(format!("public-{}", index + 1));
        Node::map(
            Place::of(origin.clone()),
            [("name", name), ("path", text(pattern)), ("public", text("true".to_owned()))],
        )
    };
    if let Some(Node { value: Value::List(routes), .. }) = tree.at_mut(&at!["routes"]) {
        routes.splice(0..0, patterns.into_iter().enumerate().map(route));
    }
}

/// The name of the key that flags and variables of ours give. A variable of the operator's naming may give one of that name; ours
/// is the stronger layer and takes its place.
const KEY_NAME: &str = "api-key";

/// Adds a key that may do everything but Keyward's own administration.
fn add_key(tree: &mut Node, origin: &Origin, key: String) {
    let text = |text: &str| Node::outer(text, origin.clone());
    let place = Place::of(origin.clone());
    let scopes = Node { value: Value::List(vec![text("*")]), place: place.clone() };
    let entry = Node::map(place, [("name", text(KEY_NAME)), ("key", text(&key)), ("scopes", scopes)]);
    if let Some(Node { value: Value::List(keys), .. }) = tree.at_mut(&at!["security", "api_keys", "static"]) {
        let is_same = |one: &Node| one.get("name").and_then(Node::scalar).is_some_and(|name| name.text == KEY_NAME);
        keys.retain(|one| !(matches!(one.place.origin, Origin::Env(_)) && is_same(one)));
        keys.push(entry);
    }
}
