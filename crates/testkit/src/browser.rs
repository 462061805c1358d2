//! What a browser holds whose user signed in, on either port of a world.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::{World, text};

/// A session by cookie.
pub struct Browser<'w> {
    world: &'w World,
    /// `name=value`.
    pub cookie: String,
    /// What its pages show with each request that changes something.
    pub csrf: String,
}

impl<'w> Browser<'w> {
    /// Out of an answer that begins a session.
    pub fn of(world: &'w World, answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.header("set-cookie").expect("a cookie").split(';').next().expect("a pair").to_owned();
        world.issued.note(cookie.split_once('=').expect("a pair").1);
        let told = answer.json();
        // In the words of either port.
        let csrf = told["csrfToken"].as_str().map_or_else(|| text(&told, "csrf_token"), str::to_owned);
        Self { world, cookie, csrf }
    }

    /// The header lines that show it.
    pub fn lines(&self) -> [String; 2] {
        [format!("Cookie: {}", self.cookie), format!("Keyward-CSRF: {}", self.csrf)]
    }

    /// A call of an operation, with a JSON body, which may be empty.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let [cookie, csrf] = self.lines();
        let lines = ["Content-Type: application/json", &cookie, &csrf];
        self.world.operate_by(method, path, if body.is_empty() { &lines[1..] } else { &lines }, body)
    }
}

impl World {
    /// The first step into the console.
    pub fn try_console(&self, username: &str, password: &str) -> Answer {
        self.post_operation("/session", &json!({"username": username, "password": password}))
    }

    /// Signs in to the console.
    pub fn console(&self, username: &str, password: &str) -> Browser<'_> {
        Browser::of(self, &self.try_console(username, password))
    }

    /// Calls an operation that asks for no credential.
    pub fn post_operation(&self, path: &str, body: &Value) -> Answer {
        self.operate("POST", path, "", &body.to_string())
    }
}
