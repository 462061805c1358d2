//! An authenticator on somebody's phone (RFC 6238), and how it comes to count for its user.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use serde_json::json;

use crate::browser::Browser;
use crate::world::{World, text};

/// How long a code is shown, in seconds.
const STEP: u64 = 30;
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A phone with a secret.
pub struct Phone(Vec<u8>);

impl Phone {
    /// With a secret in base 32, as it is typed in.
    pub fn of(secret: &str) -> Self {
        let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
        for c in secret.chars() {
            held = held << 5 | u32::try_from(ALPHABET.find(c).expect("base 32")).expect("five bits");
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                bytes.push(u8::try_from(held >> bits & 0xff).expect("eight bits"));
            }
        }
        Self(bytes)
    }

    /// What it shows so many steps after one.
    pub fn shows(&self, step: u64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag[19] & 15);
        let number = u32::from_be_bytes(tag[at..at + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

/// The step of this moment.
#[expect(clippy::disallowed_methods, reason = "a phone has a clock")]
pub fn step() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() / STEP
}

/// What a user has who showed a first code.
pub struct Enrolled {
    /// The phone.
    pub phone: Phone,
    /// The recovery codes.
    pub recovery: Vec<String>,
    /// The step of the code that was shown: used, and those before it.
    pub used: u64,
}

impl Enrolled {
    /// A code that is right and was never shown. There is one: the step after the one that was used is good from now on, and for
    /// half a minute at least. Further sign-ins take recovery codes.
    pub fn next_code(&self) -> String {
        self.phone.shows(self.used + 1)
    }

    /// A code that is wrong now and for some minutes.
    pub fn wrong_code(&self) -> String {
        let right: Vec<String> = (self.used.saturating_sub(1)..self.used + 10).map(|at| self.phone.shows(at)).collect();
        let code = (0..).map(|number| format!("{number:06}")).find(|code| !right.contains(code));
        code.expect("most are wrong")
    }
}

impl World {
    /// Gives whoever signed in to the console a second factor.
    pub fn enrol(&self, browser: &Browser<'_>, password: &str) -> Enrolled {
        let begun = browser.call("POST", "/me/second-factor/totp", &json!({"password": password}).to_string());
        assert_eq!(begun.status, 200, "{}", begun.text());
        let secret = text(&begun.json(), "secret");
        self.issued.note(&secret);
        let (phone, used) = (Phone::of(&secret), step());
        let body = json!({"code": phone.shows(used)}).to_string();
        let confirmed = browser.call("POST", "/me/second-factor/totp/confirm", &body);
        assert_eq!(confirmed.status, 200, "{}", confirmed.text());
        let codes = confirmed.json()["recoveryCodes"].clone();
        let recovery: Vec<String> = serde_json::from_value(codes).expect("a list of texts");
        recovery.iter().for_each(|code| self.issued.note(code));
        Enrolled { phone, recovery, used }
    }
}
