//! The vectors of others on signatures, each with what becomes of it here.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_core::algorithm::Algorithm;
use keyward_core::compact::Compact;
use keyward_core::foreign::ForeignHeader;
use keyward_core::token::Header;
use keyward_engine::issuers::keys_of_set;
use keyward_engine::signing::VerifyingKey;
use serde_json::{Value, json};

pub fn path(name: &str) -> String {
    format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// What became of one vector.
pub struct Row {
    pub id: String,
    pub about: String,
    /// What those say who made it: `valid`, `invalid`, `acceptable`.
    pub theirs: String,
    /// Whether the signature is right; `unread` where there is none to be looked at, or no key.
    pub signature: &'static str,
    /// `accepted`, or why not.
    pub verdict: String,
    /// What other libraries are asked of it, where it is a JWS and not a bare signature.
    pub case: Option<Value>,
}

/// Groups of a file of Wycheproof with their tests.
fn tests(value: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let groups = value["testGroups"].as_array().unwrap().iter();
    groups.flat_map(|group| group["tests"].as_array().unwrap().iter().map(move |test| (group, test)))
}

fn row(letter: char, test: &Value, signature: Option<bool>, why: Option<&str>) -> Row {
    let signature = match signature {
        Some(true) => "right",
        Some(false) => "wrong",
        None => "unread",
    };
    let otherwise = if signature == "right" { "accepted" } else { "signature" };
    Row {
        id: format!("{letter}{}", test["tcId"]),
        about: text(test, "comment").to_owned(),
        theirs: text(test, "result").to_owned(),
        signature,
        verdict: why.unwrap_or(otherwise).to_owned(),
        case: None,
    }
}

/// Signatures by public keys. What is "acceptable" at best is refused.
fn signatures(letter: char, file: &str, algorithm: Algorithm, public: impl Fn(&Value) -> Vec<u8>) -> Vec<Row> {
    let value = read(&format!("wycheproof/{file}_test.json"));
    let judged = |(group, test): (&Value, &Value)| {
        let key = VerifyingKey::public("k", algorithm, &public(group)).unwrap();
        let signature = unhex(text(test, "sig"));
        let why = (algorithm == Algorithm::Es256 && signature.len() != 64).then_some("not r and s of 32 bytes each");
        row(letter, test, Some(key.has_signed(&unhex(text(test, "msg")), &signature)), why)
    };
    tests(&value).map(judged).collect()
}

fn secrets() -> Vec<Row> {
    let value = read("wycheproof/hmac_sha256_test.json");
    let judged = |(group, test): (&Value, &Value)| {
        let secret = unhex(text(test, "key"));
        let key = VerifyingKey::secret("k", &secret);
        let right = key.map(|key| key.has_signed(&unhex(text(test, "msg")), &unhex(text(test, "tag"))));
        let why = match (right, group["tagSize"] == 256) {
            (None, _) => Some("a secret of less than 32 bytes"),
            (_, false) => Some("a tag cut short"),
            _ => None,
        };
        row('H', test, right, why)
    };
    tests(&value).map(judged).collect()
}

/// Keys as they would be published: what is private left out.
fn published(keys: &Value) -> Vec<Value> {
    let listed = keys["keys"].as_array().cloned().unwrap_or_else(|| vec![keys.clone()]);
    let publish = |mut key: Value| {
        if let Some(members) = key.as_object_mut() {
            members.retain(|name, _| !["d", "p", "q", "dp", "dq", "qi"].contains(&name.as_str()));
        }
        key
    };
    listed.into_iter().map(publish).collect()
}

/// With a name where they have none: keys of other issuers need one.
fn named(mut keys: Vec<Value>) -> Vec<Value> {
    for key in keys.iter_mut().filter_map(Value::as_object_mut) {
        key.entry("kid").or_insert_with(|| json!("k"));
    }
    keys
}

/// The secret of this server, where the key is a single one for HS256: those of sets are other issuers'.
fn own_secret(keys: &Value) -> Option<Option<VerifyingKey>> {
    let is_ours = keys["kty"] == "oct" && keys["alg"].as_str().is_none_or(|alg| alg == "HS256");
    let bytes = |key: &Value| URL_SAFE_NO_PAD.decode(text(key, "k")).unwrap();
    is_ours.then(|| VerifyingKey::secret(keys["kid"].as_str().unwrap_or("k"), &bytes(keys)))
}

/// What is wrong with a header that is not taken, for whoever reads the table.
fn header_fault(header: &[u8], algorithms: &[&str], needs: &[&str]) -> String {
    let Ok(Value::Object(members)) = serde_json::from_slice(header) else {
        return "a header that is no object".to_owned();
    };
    let names: Vec<&str> = ["crit", "jwk", "jku", "x5u", "x5c", "b64", "zip"]
        .into_iter()
        .filter(|name| members.contains_key(*name))
        .collect();
    let alg = members.get("alg").and_then(Value::as_str).unwrap_or_default();
    if !names.is_empty() {
        format!("a header with {}", names.join(", "))
    } else if !algorithms.contains(&alg) {
        format!("alg {alg:?} is not taken")
    } else {
        let lacks: Vec<&str> = needs.iter().copied().filter(|name| !members.contains_key(*name)).collect();
        format!("a header without {}", lacks.join(", "))
    }
}

/// A JWS by the keys that it comes with: those of a set are another issuer's, a single secret is ours.
fn jws(keys: &Value, jws: &str) -> (&'static str, String) {
    let Ok(read) = Compact::read(jws.as_bytes()) else { return ("unread", "not three parts of base64url".to_owned()) };
    let own = own_secret(keys);
    let known: Vec<VerifyingKey> = match &own {
        Some(secret) => secret.iter().cloned().collect(),
        None => keys_of_set(json!({ "keys": named(published(keys)) }).to_string().as_bytes()).unwrap(),
    };
    let alg = serde_json::from_slice::<Value>(&read.header).unwrap_or_default()["alg"].clone();
    let signed = |key: &VerifyingKey| alg == key.algorithm().name() && key.has_signed(read.message, &read.signature);
    let signature = match (known.is_empty(), known.iter().any(signed)) {
        (true, _) => "unread",
        (_, true) => "right",
        (_, false) => "wrong",
    };
    // In the order of the machine: the header, the key that it names, its algorithm, the signature.
    let header = if own.is_some() {
        let header = serde_json::from_slice::<Header>(&read.header);
        header.map(|header| header.kid).map_err(|_| header_fault(&read.header, &["HS256"], &["typ", "kid"]))
    } else {
        let header = ForeignHeader::read(&read.header);
        header.map(|header| header.kid).map_err(|_| header_fault(&read.header, &["EdDSA", "ES256", "RS256"], &["kid"]))
    };
    let verdict = match header {
        Err(fault) => fault,
        Ok(_) if known.is_empty() => "no key that checks signatures of others".to_owned(),
        Ok(kid) => match known.iter().find(|key| *key.id() == *kid) {
            None => "no key of that name".to_owned(),
            Some(key) if alg != key.algorithm().name() => "another algorithm than the key's".to_owned(),
            Some(key) if !signed(key) => "signature".to_owned(),
            Some(_) => "accepted".to_owned(),
        },
    };
    (signature, verdict)
}

fn of_jws(id: String, about: &str, theirs: &str, keys: &Value, made: &str) -> Row {
    let (signature, verdict) = jws(keys, made);
    let published = published(keys);
    let alg = published.first().map(|key| match (key["alg"].as_str(), key["kty"].as_str(), key["crv"].as_str()) {
        (Some(alg), _, _) => alg,
        (_, Some("OKP"), _) => "EdDSA",
        (_, Some("EC"), Some("P-256")) => "ES256",
        (_, Some("EC"), _) => "ES512",
        (_, Some("RSA"), _) => "RS256",
        _ => "HS256",
    });
    let case = alg.map(|alg| json!({"id": id, "alg": alg, "token": made, "keys": {"keys": published}}));
    Row { id, about: about.to_owned(), theirs: theirs.to_owned(), signature, verdict, case }
}

fn of_wycheproof(letter: char, file: &str) -> Vec<Row> {
    let value = read(&format!("wycheproof/{file}_test.json"));
    let judged = |(group, test): (&Value, &Value)| {
        let keys = if group["public"].is_object() { &group["public"] } else { &group["private"] };
        let about = format!("{}, {}", text(group, "comment"), text(test, "comment"));
        of_jws(format!("{letter}{}", test["tcId"]), &about, text(test, "result"), keys, text(test, "jws"))
    };
    tests(&value).map(judged).collect()
}

/// The cookbook's files, each a key and what was made with it, in each of its forms.
fn of_the_cookbook() -> Vec<Row> {
    let mut rows = Vec::new();
    for folder in ["curve25519", "jws", "rfc7797"] {
        let folder = format!("jose_cookbook/{folder}");
        let mut files: Vec<String> = std::fs::read_dir(path(&folder))
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.retain(|name| name.ends_with(".json"));
        files.sort();
        for name in files {
            let value = read(&format!("{folder}/{name}"));
            let key = &value["input"]["key"];
            // Signed by several: the key that is ours to check.
            let key = if key.is_array() { &key[2] } else { key };
            for (form, made) in value["output"].as_object().unwrap() {
                let made = made.as_str().map_or_else(|| made.to_string(), str::to_owned);
                let id = format!("C:{}:{form}", name.trim_end_matches(".json"));
                rows.push(of_jws(id, text(&value, "title"), "valid", key, &made));
            }
        }
    }
    rows
}

fn of_rfc_7515() -> Vec<Row> {
    let value = read("rfc/rfc7515_appendix_a.json");
    let judged = |example: &Value| {
        let none = json!({"keys": []});
        let theirs = if text(example, "alg") == "none" { "invalid" } else { "valid" };
        let (id, about) = text(example, "name").split_once(' ').unwrap();
        of_jws(format!("R:{id}"), about, theirs, example.get("key").unwrap_or(&none), text(example, "token"))
    };
    value.as_array().unwrap().iter().map(judged).collect()
}

/// All of them.
pub fn rows() -> Vec<Row> {
    let pk = |group: &Value| unhex(text(&group["publicKey"], "pk"));
    let uncompressed = |group: &Value| unhex(text(&group["publicKey"], "uncompressed"));
    let asn = |group: &Value| unhex(text(group, "publicKeyAsn"));
    let mut rows = signatures('E', "ed25519", Algorithm::EdDsa, pk);
    rows.extend(signatures('P', "ecdsa_secp256r1_sha256_p1363", Algorithm::Es256, uncompressed));
    rows.extend(signatures('A', "ecdsa_secp256r1_sha256", Algorithm::Es256, uncompressed));
    rows.extend(signatures('N', "rsa_signature_2048_sha256", Algorithm::Rs256, asn));
    rows.extend(secrets());
    rows.extend(of_wycheproof('S', "json_web_signature"));
    rows.extend(of_wycheproof('K', "json_web_key"));
    rows.extend(of_the_cookbook());
    rows.extend(of_rfc_7515());
    rows
}
