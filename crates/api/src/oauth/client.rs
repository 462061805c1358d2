//! Which client asks: one that shows the key and the secret of a pair (RFC 6749 §2.3.1).

use keyward_core::digest::ApiKeyDigest;
use keyward_core::guarding::Disclose;
use keyward_core::key_format::is_genuine;
use keyward_engine::ports::{Joined, Use};
use keyward_http::oauth::{self, Parameters};
use keyward_http::own::OwnRequest;

use super::error::{Code, Error};
use crate::failure::{Failure, Kind};
use crate::origin::Origin;
use crate::own::origin;
use crate::service::Service;
use crate::sessions::families::Failed;
use crate::sign_in::attempts::Why;
use crate::sign_in::throttle::{self, Attempt};

/// How often it is noted at most that a pair was used, in milliseconds.
const NOTE_EVERY: i64 = 60_000;

/// A client that proved who it is, and may be where it is.
pub(super) struct Client {
    /// The key of its pair, with its owner and account.
    pub(super) joined: Joined,
    /// Where it asks from, and as whom.
    pub(super) origin: Origin,
}

/// The client of a request.
///
/// # Errors
/// `invalid_client`: none, or one that is not what it says, alike in words; recorded before it leaves.
pub(super) async fn authenticate(
    service: &Service,
    request: &OwnRequest,
    parameters: &Parameters,
) -> Result<Client, Error> {
    let Some(shown) = oauth::Client::of(&request.authorization, parameters)? else {
        return Err(Error::new(Code::InvalidClient, "No client: show the key and the secret of a pair."));
    };
    let origin = origin(request);
    let failed = Failed { service, origin: &origin, endpoint: request.endpoint };
    let wrong = || refused(Kind::WrongClient, "The key or the secret is wrong.");
    let (id, secret) = (shown.id.as_bytes(), shown.secret.as_ref().map(|secret| secret.as_bytes()).unwrap_or_default());
    // A guess costs no question, and who guesses too much waits. Whoever shows what was made here never does: behind the address
    // of somebody who guesses, clients go on.
    if !is_genuine(id, &service.tag_key) || !is_genuine(secret, &service.tag_key) {
        let subject = Some(shown.id.as_str()).filter(|id| is_genuine(id.as_bytes(), &service.tag_key));
        let attempt = Attempt { client: origin.client, subject };
        // Who shows no secret has guessed none.
        if shown.secret.is_some() {
            if let Err(throttled) = throttle::admit(service, attempt) {
                return Err(failed.refuse((Why::Throttled, "unknown client"), throttled).await.into());
            }
            throttle::wrong(service, attempt);
        }
        return Err(failed.refuse((Why::WrongSecret, "unknown client"), wrong()).await.into());
    }
    let found = service.store.find(&[ApiKeyDigest::of(id)]).await?.keys.into_iter().next().flatten();
    let Some(joined) = found else {
        return Err(failed.refuse((Why::WrongSecret, "unknown client"), wrong()).await.into());
    };
    let key = &joined.key;
    if !key.has_secret(&ApiKeyDigest::of(secret)) {
        return Err(failed.refuse((Why::WrongSecret, &key.id), wrong()).await.into());
    }
    let configuration = service.configuration();
    if let Err(rejection) = joined.state(origin.at) {
        let over = match configuration.rules.guarding.disclose {
            Disclose::Possessor => refused(Kind::WrongClient, &format!("The key is {}.", rejection.as_str())),
            Disclose::Nobody => wrong(),
        };
        return Err(failed.refuse((Why::ClientOver, &key.id), over).await.into());
    }
    let entry = joined.resolve(&configuration.rules);
    let client = keyward_core::address::canonical(request.client);
    if !entry.addresses.permits(client) || !entry.account_addresses.iter().all(|list| list.permits(client)) {
        let elsewhere = refused(Kind::Forbidden, "The key may not be used from this address.");
        return Err(failed.refuse((Why::ClientElsewhere, &key.id), elsewhere).await.into());
    }
    note_use(service, &joined, &origin).await;
    let origin = Origin { actor: key.id.clone(), ..origin };
    Ok(Client { joined, origin })
}

fn refused(kind: Kind, message: &str) -> Failure {
    Failure { kind, message: message.to_owned() }
}

/// Notes that the pair was used, now and then. A note that cannot be written is made at the next use.
async fn note_use(service: &Service, joined: &Joined, origin: &Origin) {
    let last = joined.key.last_used_at.map_or(i64::MIN, |at| at.as_millis());
    if origin.at.as_millis().saturating_sub(last) >= NOTE_EVERY {
        let used = Use { id: joined.key.id.clone(), at: origin.at, by: None };
        let _ = service.store.record_uses(&[used]).await;
    }
}
