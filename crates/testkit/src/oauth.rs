//! Clients in a world: pairs, and what they ask of the OAuth endpoints.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::client::Answer;
use crate::people::Tokens;
use crate::world::{World, text};

/// A key + secret pair.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The id of the key.
    pub id: String,
    /// The key: `client_id`.
    pub key: String,
    /// The secret: `client_secret`.
    pub secret: String,
}

impl Pair {
    /// `Authorization: Basic` of it.
    pub fn basic(&self) -> String {
        format!("Authorization: Basic {}", STANDARD.encode(format!("{}:{}", self.key, self.secret)))
    }

    /// Out of the JSON of a key that was just made.
    pub fn of(made: &serde_json::Value) -> Self {
        Self { id: text(made, "id"), key: text(made, "key"), secret: text(made, "secret") }
    }
}

/// Parameters as a form has them.
pub fn form(parameters: &[(&str, &str)]) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

impl World {
    /// Makes a pair.
    pub fn pair(&self, name: &str, flags: &[&str]) -> Pair {
        let pair = Pair::of(&self.json(&[&["key", "create", name, "--pair"], flags].concat()));
        self.issued.note(&pair.key);
        self.issued.note(&pair.secret);
        pair
    }

    /// Posts a form with header lines.
    pub fn post_form(&self, target: &str, headers: &[&str], parameters: &[(&str, &str)]) -> Answer {
        let headers = [&["Content-Type: application/x-www-form-urlencoded"], headers].concat();
        self.send("POST", target, &headers, &form(parameters))
    }

    /// Asks the token endpoint with further parameters, as a client that shows itself by Basic.
    pub fn ask_token(&self, pair: &Pair, parameters: &[(&str, &str)]) -> Answer {
        let answer = self.post_form("/_keyward/token", &[&pair.basic()], parameters);
        if answer.status == 200 {
            let tokens = Tokens::of(&answer);
            self.issued.note(&tokens.access);
            self.issued.note(&tokens.refresh);
        }
        answer
    }

    /// The first tokens of a client.
    pub fn client_tokens(&self, pair: &Pair) -> Tokens {
        Tokens::of(&self.ask_token(pair, &[("grant_type", "client_credentials")]))
    }

    /// Shows a client's refresh token.
    pub fn client_refresh(&self, pair: &Pair, refresh: &str) -> Answer {
        self.ask_token(pair, &[("grant_type", "refresh_token"), ("refresh_token", refresh)])
    }
}
