//! Invariant 7: a fresh key has no `Display`, so that no log line can hold it by accident.

use keyward_core::digest::MacKey;
use keyward_core::key_format::ApiKeySecret;

fn main() {
    let key = ApiKeySecret::assemble("kw_live_", &[0; 24], &MacKey::from_bytes([0; 32]));
    println!("{key}");
}
