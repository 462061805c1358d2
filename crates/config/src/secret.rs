//! Which values are secrets, so that neither a message nor a shown line ever holds one.

use std::collections::BTreeSet;

use crate::node::{Node, Scalar};
use crate::place::{Origin, Place, Position, Span, Step, fits};
use crate::report::Report;

/// Whether what stands at a path is a secret, whatever its text: operators' keys and password, what signs tokens and webhooks,
/// and what is told to the upstream.
fn lies_in_secret_place(path: &[Step]) -> bool {
    let below = |names: &[&str]| {
        path.len() >= names.len()
            && names.iter().zip(path).all(|(name, step)| matches!(step, Step::Key(key) if key == name))
    };
    // A static key in the wrong shape is still a key: all but names and scopes is hidden.
    let open = matches!(path.get(4), Some(Step::Key(key)) if matches!(key.as_str(), "name" | "display" | "scopes"));
    below(&["upstream", "headers"])
        || fits_below("upstreams.*.headers", path)
        || below(&["security", "jwt", "secret"])
        || fits_below("schemes.*.secret", path)
        || fits_below("schemes.*.secrets", path)
        || below(&["security", "basic_auth", "password"])
        || (below(&["security", "api_keys", "static"]) && !open)
}

/// Whether a path lies at a pattern of three steps, or below it.
fn fits_below(pattern: &str, path: &[Step]) -> bool {
    path.get(..3).is_some_and(|start| fits(pattern, start))
}

/// Whether a scalar must not be shown.
pub(crate) fn is_secret(path: &[Step], scalar: &Scalar) -> bool {
    // user:password@host
    let is_url = match path {
        [.., Step::Key(urls), Step::Item(_)] => urls == "urls",
        [.., Step::Key(name)] => name == "url" || name == "urls",
        _ => false,
    };
    let userinfo = is_url && scalar.text.contains('@');
    !scalar.references.is_empty() || userinfo || (lies_in_secret_place(path) && !scalar.is_null())
}

/// Blanks the secrets of a file as it was written. What only refers to a secret stays readable.
pub(crate) fn mask_literals(tree: &Node, report: &mut Report) {
    tree.scalars(&mut Vec::new(), &mut |path, scalar, place| {
        if is_secret(path, scalar) && !is_reference(&scalar.text) {
            report.mask_place(place.clone());
        }
    });
    tree.names(&mut Vec::new(), &mut |path, entry| {
        let open = open_length(path, &entry.key, &entry.node);
        if let Some(start) = entry.key.get(..open).filter(|start| start.len() < entry.key.len()) {
            report.mask_name(&entry.key_place, start.chars().count());
        }
    });
}

/// How many bytes of a name may be shown. A value can end up in one: `{key:hunter2}` lacks a space, and `{hunter2}` is
/// a name without a value.
fn open_length(path: &[Step], name: &str, value: &Node) -> usize {
    let odd = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '<' | '*'));
    if lies_in_secret_place(path) && value.is_null() { 0 } else { name.find(odd).unwrap_or(name.len()) }
}

/// The name at the end of a path as a message may show it.
pub(crate) fn shown_name(path: &[Step], value: &Node) -> String {
    let Some(Step::Key(name)) = path.last() else { return String::new() };
    match name.get(..open_length(path, name, value)) {
        Some(start) if start.len() < name.len() => format!("{start}…"),
        _ => name.clone(),
    }
}

/// Whether a text is one reference and nothing else.
fn is_reference(text: &str) -> bool {
    text.strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|inner| !inner.contains(['{', '}', '$']))
}

/// A value as a message may show it.
pub(crate) fn shown(path: &[Step], scalar: &Scalar) -> String {
    const LONGEST: usize = 60;
    if is_secret(path, scalar) {
        return "this value".to_owned();
    }
    let mut text: String = scalar.text.chars().take(LONGEST).collect();
    if scalar.text.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    format!("\"{text}\"")
}

/// The words of a line that are no names of the configuration. A text that is no YAML has no places, so of a line with
/// a syntax error only known names are shown.
pub(crate) fn unknown_words(text: &str, at: &Place, known: &BTreeSet<String>) -> Vec<Place> {
    let (Some(span), Origin::File(_)) = (at.span, &at.origin) else { return Vec::new() };
    let number = span.start.line;
    let Some(line) = crate::report::lines(text).get(number - 1).copied() else { return Vec::new() };
    let mut places = Vec::new();
    let mut column = 1;
    for word in line.split_inclusive(|c: char| !is_word(c)) {
        let length = word.chars().count();
        let core = word.trim_end_matches(|c| !is_word(c));
        if !core.is_empty() && !known.contains(core) {
            let position = |column| Position { line: number, column };
            let span = Span { start: position(column), end: position(column + core.chars().count()) };
            places.push(Place { origin: at.origin.clone(), span: Some(span) });
        }
        column += length;
    }
    places
}

fn is_word(c: char) -> bool {
    !c.is_whitespace() && !"{}[],:\"'#&*!|>-".contains(c)
}
