//! `portal`: a path of its own, and what a page can show.

use super::Look;
use crate::place::at;

/// The longest name.
const NAME_CHARACTERS: usize = 60;

/// The answers that its pages read, as they come without a template.
const READ: [&str; 7] =
    ["login", "me", "usage", "api_keys.list", "api_keys.create", "api_keys.rotate", "api_keys.change"];
/// The bodies that its pages write.
const WRITTEN: [&str; 2] = ["login", "api_keys"];

pub(super) fn check(look: &mut Look<'_>) {
    let portal = &look.settings.portal;
    if let Some(path) = &portal.path {
        pages(look);
        let inside = format!("{}/", path.as_str());
        let taken = look.settings.endpoints.iter().find(|(_, own)| {
            own.as_str() == path.as_str()
                || own.as_str().starts_with(&inside)
                || path.as_str().starts_with(&format!("{}/", own.as_str()))
        });
        if let Some((name, _)) = taken {
            look.mistake(
                &at!["portal", "path"],
                format!("the portal and the endpoint \"{name}\" would stand in each other's way"),
                ["everything below its path is the portal's; write /portal, for example"],
            );
        }
    }
    if let Some(name) = &portal.name
        && (name.trim().is_empty()
            || name.chars().count() > NAME_CHARACTERS
            || name.chars().any(|c| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')))
    {
        look.mistake(
            &at!["portal", "name"],
            "this is no name that a page can show",
            ["1 to 60 characters, none of them invisible"],
        );
    }
    if portal.logo_file.is_some() && portal.media().is_none() {
        look.mistake(
            &at!["portal", "logo_file"],
            "this is no picture that browsers know",
            ["a file whose name ends with .png, .jpg, .webp or .svg"],
        );
    }
}

/// Its pages are written for Keyward's own endpoints, as they are when nobody has given them other words.
fn pages(look: &mut Look<'_>) {
    if look.settings.endpoints.me.is_none() {
        look.mistake(
            &at!["endpoints", "me"],
            "the portal's pages ask it who signed in",
            ["give it a path, or turn the portal off: portal: {path: null}"],
        );
    }
    let settings = look.settings;
    let responses = READ.iter().filter(|name| settings.responses.get(**name).is_some_and(Option::is_some));
    let requests = WRITTEN.iter().filter(|name| settings.requests.contains_key(**name));
    let reworded = responses.map(|name| ("responses", *name)).chain(requests.map(|name| ("requests", *name)));
    for (section, name) in reworded {
        look.mistake(
            &at![section, name],
            "the portal's pages know this endpoint only in Keyward's own words",
            ["leave it out, or turn the portal off: portal: {path: null}"],
        );
    }
}
