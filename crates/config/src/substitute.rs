//! Replaces `${env:NAME}` and `${file:PATH}` in the values of a file. What does not resolve is a mistake, never left
//! standing: a key that reads `${CI_KEY}` would be a key that anybody can guess.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::node::{Node, Scalar, Style, Value};
use crate::place::{Place, Step, fits};
use crate::report::Report;

/// Where `${mode}` stands for `live` or `test` and is no reference.
const MODE_TEMPLATES: &[&str] = &["security.api_keys.prefix", "security.api_keys.pair_prefix"];

/// Where `${…}` is a field of a template and no reference: what it may be is said by whoever compiles it.
const TEMPLATES: &[&str] = &["responses", "env.*.each"];

/// What the world outside is asked for.
pub(crate) struct Outside<'a> {
    pub(crate) env: &'a dyn Fn(&str) -> Option<OsString>,
    pub(crate) read_file: &'a dyn Fn(&Path) -> io::Result<String>,
    /// The folder that relative paths start from.
    pub(crate) folder: PathBuf,
}

/// Replaces all references below a node. Values that do not resolve are reported and taken out.
pub(crate) fn substitute(tree: &mut Node, outside: &Outside<'_>, report: &mut Report) {
    let mut broken = Vec::new();
    walk(tree, &mut Vec::new(), outside, &mut broken);
    for Broken { path, place, message, help } in broken.into_iter().rev() {
        report.mistake(&place, message, help);
        crate::repair::take_out(tree, None, &path, report);
    }
}

struct Broken {
    path: Vec<Step>,
    place: Place,
    message: String,
    help: Vec<String>,
}

fn walk(node: &mut Node, path: &mut Vec<Step>, outside: &Outside<'_>, broken: &mut Vec<Broken>) {
    if TEMPLATES.iter().any(|pattern| fits(pattern, path)) {
        return;
    }
    match &mut node.value {
        Value::Scalar(scalar) => {
            let mode = MODE_TEMPLATES.iter().any(|pattern| fits(pattern, path));
            if let Err((message, help)) = replace(scalar, mode, outside) {
                broken.push(Broken { path: path.clone(), place: node.place.clone(), message, help });
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(index.into());
                walk(item, path, outside, broken);
                path.pop();
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                path.push(entry.key.as_str().into());
                walk(&mut entry.node, path, outside, broken);
                path.pop();
            }
        }
    }
}

/// A message and its help.
type Refusal = (String, Vec<String>);

fn replace(scalar: &mut Scalar, mode: bool, outside: &Outside<'_>) -> Result<(), Refusal> {
    let mut text = String::new();
    let mut rest = scalar.text.as_str();
    let mut references = Vec::new();
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        let Some((inner, tail)) = after.split_once('}') else {
            return Err(("a reference that begins with ${ has no closing }".to_owned(), usage()));
        };
        if mode && inner == "mode" {
            text.push_str("${mode}");
        } else {
            text.push_str(&resolve(inner, outside)?);
            references.push(format!("${{{inner}}}"));
        }
        rest = tail;
    }
    text.push_str(rest);
    if !references.is_empty() {
        *scalar = Scalar { text, style: Style::Outer, references };
    }
    Ok(())
}

fn usage() -> Vec<String> {
    vec!["references are ${env:NAME} and ${file:PATH}".to_owned()]
}

fn resolve(inner: &str, outside: &Outside<'_>) -> Result<String, Refusal> {
    match inner.split_once(':') {
        Some(("env", name)) => variable(name, outside.env),
        Some(("file", path)) => secret_file(&outside.folder.join(path), outside.read_file)
            .map_err(|message| (message, vec!["relative paths start at the configuration's folder".to_owned()])),
        // The text inside is not repeated: it may be a secret that merely looks like a reference.
        _ => Err(("${…} holds no reference".to_owned(), usage())),
    }
}

fn variable(name: &str, env: &dyn Fn(&str) -> Option<OsString>) -> Result<String, Refusal> {
    let refuse = |what: &str| Err((format!("the environment variable {name} {what}"), Vec::new()));
    match env(name).map(OsString::into_string) {
        None => refuse("is not set"),
        Some(Err(_)) => refuse("is not UTF-8"),
        Some(Ok(value)) if value.is_empty() => refuse("is set but empty"),
        Some(Ok(value)) => Ok(value),
    }
}

/// Reads a secret from a file, without one trailing newline.
pub(crate) fn secret_file(path: &Path, read: &dyn Fn(&Path) -> io::Result<String>) -> Result<String, String> {
    let text = read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() { Err(format!("{} is empty", path.display())) } else { Ok(text.to_owned()) }
}
