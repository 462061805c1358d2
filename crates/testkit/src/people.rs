//! Users in a world: made with a password, signed in, and what they hold then.

use serde_json::Value;

use crate::client::Answer;
use crate::world::{World, text};

/// What a user holds who signed in.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

impl Tokens {
    /// Out of an answer that gives some.
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        Self { access: text(&body, "access_token"), refresh: text(&body, "refresh_token") }
    }
}

impl World {
    /// Makes a user who can sign in; the password.
    pub fn person(&self, username: &str, flags: &[&str]) -> String {
        let password = self.ok(&[&["user", "add", username], flags].concat());
        self.issued.note(&password);
        password
    }

    /// The password that the first start wrote down.
    pub fn first_password(&self) -> String {
        let file = self.data_dir().join("initial-admin-password");
        let password = std::fs::read_to_string(file).expect("the first password").trim().to_owned();
        self.issued.note(&password);
        password
    }

    /// Posts JSON without a credential.
    pub fn post(&self, target: &str, body: &Value) -> Answer {
        self.send("POST", target, &["Content-Type: application/json"], &body.to_string())
    }

    /// Asks for tokens.
    pub fn try_login(&self, username: &str, password: &str) -> Answer {
        self.post("/_keyward/login", &serde_json::json!({"username": username, "password": password}))
    }

    /// Signs in.
    pub fn login(&self, username: &str, password: &str) -> Tokens {
        let tokens = Tokens::of(&self.try_login(username, password));
        self.issued.note(&tokens.access);
        self.issued.note(&tokens.refresh);
        tokens
    }

    /// Shows a refresh token.
    pub fn refresh(&self, refresh: &str) -> Answer {
        let answer = self.post("/_keyward/refresh", &serde_json::json!({"refresh_token": refresh}));
        if answer.status == 200 {
            let tokens = Tokens::of(&answer);
            self.issued.note(&tokens.access);
            self.issued.note(&tokens.refresh);
        }
        answer
    }

    /// A request with a token.
    pub fn with_token(&self, method: &str, target: &str, token: &str) -> Answer {
        self.send(method, target, &[&format!("Authorization: Bearer {token}")], "")
    }

    /// The status of a request with a token.
    pub fn token_status(&self, token: &str) -> u16 {
        self.with_token("GET", "/orders", token).status
    }
}

/// The header line of a username and a password (RFC 7617).
pub fn basic(username: &str, password: &str) -> String {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
    format!("Authorization: Basic {pair}")
}
