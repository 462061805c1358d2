//! Published examples of senders, and what must not pass.

use http::{HeaderMap, HeaderName};

use super::*;

const NOW: i64 = 1_614_265_330;
const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const STANDARD_BODY: &[u8] = br#"{"test": 2432232314}"#;
const STANDARD_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

fn webhook(form: Form, secrets: &[&str]) -> Webhook {
    let secret = |text: &&str| match form {
        Form::Standard { .. } => WebhookSecret::standard(text).unwrap(),
        _ => WebhookSecret::of(text),
    };
    let secrets = secrets.iter().map(secret).collect();
    Webhook::new("hook", form, secrets, Duration::from_secs(300), 1024)
}

fn hmac_form(timestamp: Option<&'static str>) -> Form {
    Form::Hmac { header: HeaderName::from_static("x-signature-256"), timestamp: timestamp.map(HeaderName::from_static) }
}

fn headers(rows: &[(&'static str, &str)]) -> HeaderMap {
    rows.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a sender that has a secret writes for `<time>.<body>`.
fn signed(secret: &str, time: &str, body: &[u8]) -> String {
    hex(&WebhookSecret::of(secret).mac(&[time.as_bytes(), b".", body]))
}

#[test]
fn an_example_of_github() {
    let hook = webhook(hmac_form(None), &["It's a Secret to Everybody"]);
    let good = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let none = HeaderMap::new();
    let verify = |text: &str, body: &[u8]| hook.verify(text.as_bytes(), (&none).into(), body, at(NOW));
    for (text, body, expected) in [
        (format!("sha256={good}"), &b"Hello, World!"[..], Ok(None)),
        (good.to_owned(), b"Hello, World!", Ok(None)),
        (good.to_uppercase(), b"Hello, World!", Ok(None)),
        (good.to_owned(), b"Hello, World", Err(WebhookFault::Signature)),
        (good.to_owned(), b"Hello, World!\n", Err(WebhookFault::Signature)),
        (good.to_owned(), b"", Err(WebhookFault::Signature)),
        (good.replacen('7', "8", 1), b"Hello, World!", Err(WebhookFault::Signature)),
        (format!("sha1={good}"), b"Hello, World!", Err(WebhookFault::Form)),
        (format!("sha256=sha256={good}"), b"Hello, World!", Err(WebhookFault::Form)),
        (good[..62].to_owned(), b"Hello, World!", Err(WebhookFault::Form)),
        (format!("{good}00"), b"Hello, World!", Err(WebhookFault::Form)),
        (good.replacen('7', "g", 1), b"Hello, World!", Err(WebhookFault::Form)),
        (good.replacen('7', "+", 1), b"Hello, World!", Err(WebhookFault::Form)),
    ] {
        assert_eq!(verify(&text, body), expected, "{text} {body:?}");
    }
}

#[test]
fn an_example_of_standard_webhooks() {
    let form = Form::standard("webhook").unwrap();
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let passes = |secrets: &[&str], (id, time, signature): (&str, &str, &str), now: i64| {
        let rows = [("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", signature)];
        let headers = headers(&rows);
        let hook = webhook(form.clone(), secrets);
        hook.verify(signature.as_bytes(), (&headers).into(), STANDARD_BODY, at(now)).map(|delivery| delivery.is_some())
    };
    let good = (id, "1614265330", STANDARD_SIGNATURE);
    let several = format!("{wrong} v1a,abc v2,x {STANDARD_SIGNATURE}");
    use WebhookFault::{Early, Form as NoForm, Late, Missing, Signature};
    for (secrets, shown, now, expected) in [
        (&[STANDARD_SECRET][..], good, NOW, Ok(true)),
        (&[other, STANDARD_SECRET], good, NOW, Ok(true)),
        (&[STANDARD_SECRET, other], (id, "1614265330", &several), NOW, Ok(true)),
        (&[other], good, NOW, Err(Signature)),
        (&[], good, NOW, Err(Signature)),
        (&[STANDARD_SECRET], good, NOW + 300, Ok(true)),
        (&[STANDARD_SECRET], good, NOW + 301, Err(Late)),
        (&[STANDARD_SECRET], good, NOW - 300, Ok(true)),
        (&[STANDARD_SECRET], good, NOW - 301, Err(Early)),
        // Nobody without the secret is told of the time.
        (&[other], good, NOW + 301, Err(Signature)),
        (&[STANDARD_SECRET], ("msg_other", "1614265330", STANDARD_SIGNATURE), NOW, Err(Signature)),
        (&[STANDARD_SECRET], (id, "1614265331", STANDARD_SIGNATURE), NOW, Err(Signature)),
        (&[STANDARD_SECRET], (id, "01614265330", STANDARD_SIGNATURE), NOW, Err(Signature)),
        (&[STANDARD_SECRET], (id, "-1614265330", STANDARD_SIGNATURE), NOW, Err(Missing)),
        (&[STANDARD_SECRET], (id, "1614265330.0", STANDARD_SIGNATURE), NOW, Err(Missing)),
        (&[STANDARD_SECRET], (id, "99999999999999999999", STANDARD_SIGNATURE), NOW, Err(Missing)),
        (&[STANDARD_SECRET], ("msg.1", "1614265330", STANDARD_SIGNATURE), NOW, Err(Missing)),
        (&[STANDARD_SECRET], (id, "1614265330", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="), NOW, Err(NoForm)),
        (&[STANDARD_SECRET], (id, "1614265330", "v1,g0hM9SsE+OTPJTGt"), NOW, Err(NoForm)),
        (&[STANDARD_SECRET], (id, "1614265330", "v1,"), NOW, Err(NoForm)),
    ] {
        assert_eq!(passes(secrets, shown, now), expected, "{secrets:?} {shown:?} {now}");
    }
    let flood = vec![STANDARD_SIGNATURE; 17].join(" ");
    assert_eq!(passes(&[STANDARD_SECRET], (id, "1614265330", &flood), NOW), Err(NoForm));
}

#[test]
fn signatures_of_stripe() {
    let (old, new) = ("whsec_0123456789abcdefghijklmnopqrstuv", "whsec_zyxwvutsrqponmlkjihgfedcba987654");
    let body = b"{\"type\":\"charge\"}";
    let hook = webhook(Form::stripe(), &[new, old]);
    let none = HeaderMap::new();
    let verify = |text: &str, now: i64| hook.verify(text.as_bytes(), (&none).into(), body, at(now));
    let (by_old, by_new) = (signed(old, "1614265330", body), signed(new, "1614265330", body));
    let zeros = "0".repeat(64);
    use WebhookFault::{Early, Form as NoForm, Late, Signature};
    for (text, now, expected) in [
        (format!("t=1614265330,v1={by_old}"), NOW, Ok(())),
        (format!("t=1614265330,v1={by_new},v0=6ffb"), NOW, Ok(())),
        (format!("v1={zeros},t=1614265330,v1={by_old}"), NOW, Ok(())),
        (format!("t=1614265330,v1={zeros}"), NOW, Err(Signature)),
        (format!("t=1614265329,v1={by_old}"), NOW, Err(Signature)),
        (format!("t=1614265330,v0={by_old}"), NOW, Err(NoForm)),
        (format!("t=1614265330,t=1614265330,v1={by_old}"), NOW, Err(NoForm)),
        (format!("v1={by_old}"), NOW, Err(NoForm)),
        (format!("t=,v1={by_old}"), NOW, Err(NoForm)),
        (format!("t=+1614265330,v1={by_old}"), NOW, Err(NoForm)),
        (format!("t=1614265330, v1={by_old}"), NOW, Err(NoForm)),
        ("t=1614265330,v1=".to_owned(), NOW, Err(NoForm)),
        (String::new(), NOW, Err(NoForm)),
        (format!("t=1614265330,v1={by_old}"), NOW + 301, Err(Late)),
        (format!("t=1614265330,v1={by_old}"), NOW - 301, Err(Early)),
    ] {
        assert_eq!(verify(&text, now).map(drop), expected, "{text} {now}");
    }
    // Both signatures, or one of them: it is one delivery.
    let digest = |text: String| verify(&text, NOW).unwrap().unwrap().digest;
    let both = digest(format!("t=1614265330,v1={by_new},v1={by_old}"));
    assert_eq!(both, digest(format!("t=1614265330,v1={by_old}")));
    let one = webhook(Form::stripe(), &[old]).verify(
        format!("t=1614265330,v1={by_old}").as_bytes(),
        (&none).into(),
        body,
        at(NOW),
    );
    assert_eq!(one.unwrap().unwrap(), Delivery { digest: both, until: at(NOW + 300) });
}

#[test]
fn a_time_beside_a_signature_is_signed_with_it() {
    let secret = "0123456789abcdef0123456789abcdef";
    let hook = webhook(hmac_form(Some("x-timestamp")), &[secret]);
    let signature = signed(secret, "1614265330", b"body");
    let alone = hex(&WebhookSecret::of(secret).mac(&[b"body"]));
    for (time, signature, expected) in [
        (Some("1614265330"), &signature, Ok(true)),
        (Some("1614265331"), &signature, Err(WebhookFault::Signature)),
        (Some("1614265330"), &alone, Err(WebhookFault::Signature)),
        (Some(""), &signature, Err(WebhookFault::Missing)),
        (None, &signature, Err(WebhookFault::Missing)),
    ] {
        let headers = headers(&time.map(|time| ("x-timestamp", time)).into_iter().collect::<Vec<_>>());
        let got = hook.verify(signature.as_bytes(), (&headers).into(), b"body", at(NOW));
        assert_eq!(got.map(|delivery| delivery.is_some()), expected, "{time:?}");
    }
}

#[test]
fn secrets_alone_and_as_they_are_written() {
    let hook = webhook(Form::Plain(HeaderName::from_static("x-token")), &["one", "another"]);
    let none = HeaderMap::new();
    for (shown, passes) in
        [("one", true), ("another", true), ("on", false), ("one ", false), ("", false), ("ONE", false)]
    {
        assert_eq!(hook.verify(shown.as_bytes(), (&none).into(), b"", at(NOW)).is_ok(), passes, "{shown:?}");
    }
    for (text, is_one) in [
        (STANDARD_SECRET, true),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true),
        ("whsec_", false),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", false),
        ("whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_", false),
        ("", false),
    ] {
        assert_eq!(WebhookSecret::standard(text).is_some(), is_one, "{text}");
    }
}

#[test]
fn a_username_and_its_passwords() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let hook = webhook(Form::Basic("bot".into()), &["old pass:word", "newer"]);
    let none = HeaderMap::new();
    for (pair, expected) in [
        ("bot:old pass:word", Ok(None)),
        ("bot:newer", Ok(None)),
        ("Bot:newer", Err(WebhookFault::Signature)),
        ("bo:tnewer", Err(WebhookFault::Signature)),
        ("bot:newe", Err(WebhookFault::Signature)),
        ("bot:", Err(WebhookFault::Signature)),
        (":newer", Err(WebhookFault::Signature)),
        (":", Err(WebhookFault::Signature)),
        ("botnewer", Err(WebhookFault::Form)),
        ("", Err(WebhookFault::Form)),
    ] {
        let shown = STANDARD.encode(pair);
        assert_eq!(hook.verify(shown.as_bytes(), (&none).into(), b"any", at(NOW)), expected, "{pair:?}");
    }
    assert_eq!(hook.verify(b"bot:newer", (&none).into(), b"", at(NOW)), Err(WebhookFault::Form), "not encoded");
    assert!(hook.is_guessable() && hook.is_secret());
    let long = "0123456789abcdef0123456789abcdef";
    assert!(!webhook(Form::Basic("bot".into()), &[long]).is_guessable());
    assert!(webhook(Form::Plain(HeaderName::from_static("x-token")), &[long, "short"]).is_guessable());
    assert!(!webhook(Form::stripe(), &["short"]).is_guessable(), "nobody tries signatures");
}

/// A token as somebody with the secret writes it.
fn token(header: &str, claims: &str, secret: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = WebhookSecret::of(secret).mac(&[message.as_bytes()]);
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn tokens_of_a_sender() {
    use WebhookFault::{Early, Form as NoForm, Late, Missing, Signature};
    let (secret, other) = ("0123456789abcdef0123456789abcdef", "another secret of thirty-two bytes");
    let hook = webhook(Form::Token, &[other, secret]);
    let none = HeaderMap::new();
    let plain = r#"{"alg":"HS256","typ":"JWT"}"#;
    let claims = format!(r#"{{"iss":"sender","exp":{}}}"#, NOW + 60);
    let verdict = |text: &str, now: i64| hook.verify(text.as_bytes(), (&none).into(), b"any", at(now)).map(drop);
    for (header, expected) in [
        (plain, Ok(())),
        (r#"{"alg":"HS256"}"#, Ok(())),
        (r#"{"typ":"jwt","alg":"HS256","kid":"7"}"#, Ok(())),
        (r#"{"alg":"none","typ":"JWT"}"#, Err(NoForm)),
        (r#"{"alg":"HS512","typ":"JWT"}"#, Err(NoForm)),
        (r#"{"alg":"RS256","typ":"JWT"}"#, Err(NoForm)),
        (r#"{"alg":"hs256","typ":"JWT"}"#, Err(NoForm)),
        (r#"{"typ":"JWT"}"#, Err(NoForm)),
        (r#"{"alg":"HS256","typ":"at+jwt"}"#, Err(NoForm)),
        (r#"{"alg":"HS256","typ":null}"#, Err(NoForm)),
        (r#"{"alg":"HS256","crit":["exp"]}"#, Err(NoForm)),
        (r#"{"alg":"HS256","b64":false}"#, Err(NoForm)),
        (r#"{"alg":"HS256","zip":"DEF"}"#, Err(NoForm)),
        (r#"{"alg":"none","alg":"HS256"}"#, Err(NoForm)),
        ("[]", Err(NoForm)),
    ] {
        assert_eq!(verdict(&token(header, &claims, secret), NOW), expected, "{header}");
    }
    for (claims, expected) in [
        (format!(r#"{{"exp":{}}}"#, NOW + 1), Ok(())),
        (format!(r#"{{"exp":{NOW}}}"#), Err(Late)),
        (format!(r#"{{"exp":{},"nbf":{},"iat":{NOW}}}"#, NOW + 60, NOW + 5), Ok(())),
        (format!(r#"{{"exp":{},"nbf":{}}}"#, NOW + 60, NOW + 6), Err(Early)),
        (format!(r#"{{"exp":{},"iat":{}}}"#, NOW + 60, NOW + 6), Err(Early)),
        ("{}".to_owned(), Err(Missing)),
        (format!(r#"{{"iat":{NOW}}}"#), Err(Missing)),
        (format!(r#"{{"exp":"{}"}}"#, NOW + 60), Err(Missing)),
        (r#"{"exp":1e99}"#.to_owned(), Err(Missing)),
        (format!(r#"{{"exp":{},"nbf":"0"}}"#, NOW + 60), Err(Missing)),
        (format!(r#"{{"exp":{},"exp":{}}}"#, NOW - 60, NOW + 60), Err(NoForm)),
    ] {
        assert_eq!(verdict(&token(plain, &claims, secret), NOW), expected, "{claims}");
    }
    let good = token(plain, &claims, secret);
    assert_eq!(verdict(&good, NOW + 60), Err(Late));
    assert_eq!(verdict(&token(plain, &claims, other), NOW), Ok(()), "both secrets count");
    assert_eq!(verdict(&token(plain, &claims, "some other secret of thirty-two b"), NOW), Err(Signature));
    assert_eq!(verdict(&token(plain, &claims, ""), NOW), Err(Signature));
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    for text in [format!("{unsigned}."), unsigned.to_owned(), format!("{good}="), format!("{good}.x"), String::new()] {
        assert_eq!(verdict(&text, NOW), Err(NoForm), "{text}");
    }
    let (_, signature) = good.rsplit_once('.').unwrap();
    let longer = token(plain, &format!(r#"{{"exp":{}}}"#, NOW + 6000), "x");
    let (claimed, _) = longer.rsplit_once('.').unwrap();
    assert_eq!(verdict(&format!("{claimed}.{signature}"), NOW), Err(Signature), "the signature of another token");
}
