//! One account against another: what is sent, what is told, and what an operator sees of the one that is attacked.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;

use keyward_testkit::client::Answer;
use keyward_testkit::world::World;
use serde_json::Value;

use crate::sides::Side;

/// Every method that is tried where an id stands in the path.
pub(crate) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Who asks: what for, and the header lines that show it.
pub(crate) type Caller = (&'static str, Vec<String>);

/// A request that names something.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    /// The media type and the body; nothing for none.
    pub(crate) body: Option<(&'static str, String)>,
}

/// The one that attacks and the one that is attacked.
pub(crate) struct Attack<'w> {
    pub(crate) world: &'w World,
    pub(crate) theirs: &'w Side<'w>,
    pub(crate) ours: &'w Side<'w>,
    operator: String,
    /// What was told of something that never was, by who asked for what, and in which form.
    never: RefCell<HashMap<String, String>>,
}

/// A text of the same form that names nothing: what comes after the word that it begins with, turned round.
pub(crate) fn never(id: &str) -> String {
    let (word, rest) = id.split_at(id.rfind('_').map_or(0, |at| at + 1));
    // A token in base 64 may have such a character anywhere.
    let (word, rest) = if rest.len() < 16 { ("", id) } else { (word, rest) };
    let turned = format!("{word}{}", rest.chars().rev().collect::<String>());
    assert_ne!(turned, id);
    turned
}

impl<'w> Attack<'w> {
    pub(crate) fn new(world: &'w World, theirs: &'w Side<'w>, ours: &'w Side<'w>) -> Self {
        Self { world, theirs, ours, operator: world.operator_key(), never: RefCell::default() }
    }

    /// Sends it.
    pub(crate) fn send(&self, port: SocketAddr, (_, lines): &Caller, asked: &Asked) -> Answer {
        let media = asked.body.as_ref().map(|(media, _)| format!("Content-Type: {media}"));
        let headers: Vec<&str> = lines.iter().chain(&media).map(String::as_str).collect();
        // What a change is meant for, where one is asked: whatever is there.
        let headers = if asked.method == "PATCH" { [&headers[..], &["If-Match: *"]].concat() } else { headers };
        let body = asked.body.as_ref().map_or("", |(_, body)| body.as_str());
        self.world.send_to(port, (&asked.method, &asked.target), &headers, body)
    }

    /// Asks with an id of theirs and with one that never was: the same is told of both, and nothing else of theirs.
    pub(crate) fn alike(&self, port: SocketAddr, caller: &Caller, id: &str, ask: &dyn Fn(&str) -> Asked) -> Answer {
        let asked = ask(id);
        let what = format!("{} as {}", ask("ID").describe(), caller.0);
        let answer = self.send(port, caller, &asked);
        let told = plain(&answer, id);
        let mut known = self.never.borrow_mut();
        // What something is refused with may depend on what it looks like.
        let form = id.split_once('_').map_or("", |(word, _)| word);
        let never = known.entry(format!("{what}, with {form}")).or_insert_with(|| {
            let never = never(id);
            plain(&self.send(port, caller, &ask(&never)), &never)
        });
        assert_eq!(told, *never, "{what}, with {id}: it tells theirs from what never was");
        for other in self.theirs.ids.iter().filter(|other| !id.contains(other.as_str())) {
            assert!(!told.contains(other.as_str()), "{what}, with {id}: it tells {other}: {told}");
        }
        answer
    }

    /// The same, and a refusal.
    pub(crate) fn refused(&self, port: SocketAddr, caller: &Caller, id: &str, ask: &dyn Fn(&str) -> Asked) {
        let answer = self.alike(port, caller, id, ask);
        assert!(answer.status >= 400, "{} as {}: {} {}", ask(id).describe(), caller.0, answer.status, answer.text());
    }

    /// Whether operators see of theirs what they saw before.
    pub(crate) fn unchanged(&self, before: &[Value], what: &str) {
        for ((now, before), place) in self.state().iter().zip(before).zip(&self.theirs.places) {
            assert_eq!(now, before, "{what}: {place} was changed");
        }
    }

    /// All that operators see of theirs.
    pub(crate) fn state(&self) -> Vec<Value> {
        let look = |place: &String| {
            let answer = self.world.operate("GET", place, &self.operator, "");
            assert_eq!(answer.status, 200, "{place}: {}", answer.text());
            let mut told = answer.json();
            forget(&mut told, &["lastUsedAt", "seenAt"]);
            told
        };
        self.theirs.places.iter().map(look).collect()
    }
}

impl Asked {
    fn describe(&self) -> String {
        format!("{} {} {}", self.method, self.target, self.body.as_ref().map_or("", |(_, body)| body.as_str()))
    }
}

/// What an answer tells, without what differs from one to the next.
fn plain(answer: &Answer, id: &str) -> String {
    const OTHER: [&str; 6] =
        ["date", "keyward-decision", "content-length", "keyward-receipt", "set-cookie", "location"];
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !OTHER.contains(&name.as_str()));
    headers.sort();
    let mut body = answer.text();
    if let Ok(mut told) = serde_json::from_slice::<Value>(&answer.body) {
        forget(&mut told, &["decision", "lastUsedAt", "createdAt"]);
        if answer.status == 201 {
            forget(&mut told, &["id", "key", "prefix"]);
        }
        body = told.to_string();
    }
    format!("{} {headers:?} {body}", answer.status).replace(id, "ID")
}

fn forget(told: &mut Value, fields: &[&str]) {
    match told {
        Value::Object(members) => {
            for (name, member) in members {
                if fields.contains(&name.as_str()) { *member = Value::Null } else { forget(member, fields) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| forget(item, fields)),
        _ => {}
    }
}
