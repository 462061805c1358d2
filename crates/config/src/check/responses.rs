//! `responses`: names that mean an answer, statuses that fit, bodies of fields that are told there, and no secret in any.

use http::StatusCode;
use keyward_http::templates::names::{self, Subject};
use keyward_http::templates::tree::{Mistake, Step as Within, Tree, Wrong};

use super::Look;
use crate::place::{Step, at};
use crate::secret;
use crate::settings::Response;
use crate::suggest::suggest;

/// A secret this short may stand in a text by chance; it is looked for as a whole text only.
const TELLING: usize = 8;

pub(super) fn check(look: &mut Look<'_>) {
    let responses = &look.settings.responses;
    for (name, response) in responses.iter().filter_map(|(name, one)| Some((name, one.as_ref()?))) {
        let Some(subject) = names::subject(name) else {
            unknown(look, name);
            continue;
        };
        status(look, name, subject, response);
        body(look, name, subject, response);
    }
}

fn unknown(look: &mut Look<'_>, name: &str) {
    let known: Vec<String> = names::all().collect();
    let mut help = suggest(name, known.iter().map(String::as_str));
    help.push("docs/reference/templates.md lists the reasons, the endpoints, and what each tells".to_owned());
    let entries = look.tree.at(&at!["responses"]).map(crate::node::Node::entries).unwrap_or_default();
    let place = entries.iter().find(|entry| entry.key == name).map(|entry| entry.key_place.clone());
    let place = place.unwrap_or_else(|| look.place(&at!["responses"]));
    look.report.mistake(&place, format!("\"{name}\" is no answer of Keyward"), help);
}

fn status(look: &mut Look<'_>, name: &str, subject: Subject, response: &Response) {
    let Some(status) = response.status else { return };
    let path = at!["responses", name, "status"];
    let (fits, help) = if subject.refuses {
        ((400..=599).contains(&status), "a refusal stays one: a status from 400 to 599")
    } else {
        ((200..=299).contains(&status), "an answer to a request that was carried out has a status from 200 to 299")
    };
    if !fits {
        look.mistake(&path, format!("{status} is no status for this answer"), [help]);
    } else if status == StatusCode::NO_CONTENT.as_u16() && response.body.is_some() {
        look.mistake(&path, "204 has no body", ["write status: 200, or leave the body out"]);
    }
}

fn body(look: &mut Look<'_>, name: &str, subject: Subject, response: &Response) {
    let Some(body) = &response.body else { return };
    let path = at!["responses", name, "body"];
    match Tree::compile(body, subject.fields) {
        Err(mistakes) => mistakes.into_iter().for_each(|mistake| wrong(look, &path, mistake)),
        Ok(tree) if shows_secret(look, &tree) => look.mistake(
            &path,
            "a secret of this configuration stands in it",
            ["every caller would be told; secrets stand nowhere in `responses`"],
        ),
        Ok(_) => {}
    }
}

fn wrong(look: &mut Look<'_>, body: &[Step], mistake: Mistake) {
    let steps = mistake.path.into_iter().map(|step| match step {
        Within::Name(name) => Step::Key(name),
        Within::Item(index) => Step::Item(index),
    });
    let path: Vec<Step> = body.iter().cloned().chain(steps).collect();
    let help = match &mistake.what {
        Wrong::Unknown(_, known) | Wrong::NoList(_, known) if known.is_empty() => {
            vec!["nothing is told here".to_owned()]
        }
        Wrong::Unknown(name, known) | Wrong::NoList(name, known) => suggest(name, known.iter().copied()),
        Wrong::Secret => vec!["what callers are told is written out here".to_owned()],
        Wrong::Mixed => vec!["a text is taken as it is, or is one field and nothing else".to_owned()],
        Wrong::Name => vec!["names are texts; ${field} stands for values only".to_owned()],
        Wrong::Each => vec!["as in {$each: keys, item: {id: \"${id}\"}}".to_owned()],
    };
    let place = look.place(&path);
    look.report.mistake(&place, mistake.what.to_string(), help);
}

fn shows_secret(look: &Look<'_>, tree: &Tree) -> bool {
    let texts = tree.texts();
    let mut found = false;
    look.tree.scalars(&mut Vec::new(), &mut |path, scalar, _| {
        let secret = scalar.text.as_str();
        found |= secret::is_secret(path, scalar)
            && texts.iter().any(|text| *text == secret || (secret.len() >= TELLING && text.contains(secret)));
    });
    found
}
