//! Passwords: hashed and checked by argon2id on a few threads of their own, behind a bounded queue.
//!
//! A check costs tens of milliseconds and 19 MiB on purpose. So it runs where it holds up nobody: what a flood of wrong
//! passwords fills is this queue, and who is turned away learns it at once. An address has only a few places in it, so that
//! one that floods leaves room for others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use keyward_core::address::network;
use keyward_engine::people::PasswordHash;
use keyward_engine::ports::Random;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};

/// The longest password, in bytes. Longer ones are not hashed: that would be work that a stranger orders.
pub const MAX_BYTES: usize = 1024;
/// The shortest password that can be set, in characters (NIST SP 800-63B §3.1.1.2).
pub const MIN_CHARS: usize = 8;
/// Checks that may wait.
const WAITING: usize = 64;
/// Checks that may wait or run for one address (an IPv6 one counts by its /64).
const PER_ADDRESS: usize = 8;

/// A password, or another secret, as somebody sent it. Zeroed when dropped, never printed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The text, to be hashed or digested.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

enum Work {
    Verify(Password, Option<PasswordHash>, oneshot::Sender<bool>),
    Hash(Password, [u8; 16], oneshot::Sender<Option<PasswordHash>>),
}

/// The threads and their queue. Where a command works alone, it has its own.
pub struct PasswordPool {
    queue: SyncSender<Work>,
    places: Arc<Mutex<HashMap<IpAddr, usize>>>,
    /// Kept so that a pool without threads, as in a test, still has a queue.
    _work: Arc<Mutex<Receiver<Work>>>,
}

/// One place of an address in the queue, given back when dropped.
struct Place {
    places: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = places.get_mut(&self.address) {
            *taken -= 1;
            if *taken == 0 {
                places.remove(&self.address);
            }
        }
    }
}

impl PasswordPool {
    /// Starts so many threads; each calls `begin` first, to step back behind threads that serve requests.
    pub fn start(threads: usize, begin: fn()) -> Self {
        let (queue, work) = sync_channel(WAITING);
        let work = Arc::new(Mutex::new(work));
        for _ in 0..threads {
            let work = Arc::clone(&work);
            std::thread::spawn(move || {
                begin();
                labour(&work);
            });
        }
        Self { queue, places: Arc::default(), _work: work }
    }

    /// Whether a password is the one that a hash is of. Without a hash, as of an unknown user, it takes as long, and is not.
    ///
    /// # Errors
    /// Too many wait; nothing was checked.
    pub async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
        client: Option<IpAddr>,
    ) -> Result<bool, Failure> {
        let place = client.map(|client| self.take_place(client)).transpose()?;
        let (reply, answer) = oneshot::channel();
        self.send(Work::Verify(password, hash, reply))?;
        let verdict = answer.await.map_err(|_| busy(Kind::Unavailable));
        drop(place);
        verdict
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// A password that is too short or too long, or too many wait.
    pub async fn hash(&self, password: Password, random: &dyn Random) -> Result<PasswordHash, Failure> {
        check_new(password.expose())?;
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let (reply, answer) = oneshot::channel();
        self.send(Work::Hash(password, salt, reply))?;
        answer.await.ok().flatten().ok_or_else(|| busy(Kind::Unavailable))
    }

    /// How many passwords of callers wait or are being checked.
    pub fn waiting(&self) -> usize {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn take_place(&self, client: IpAddr) -> Result<Place, Failure> {
        let address = network(client);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = places.entry(address).or_default();
        if *taken >= PER_ADDRESS {
            return Err(busy(Kind::Throttled));
        }
        *taken += 1;
        Ok(Place { places: Arc::clone(&self.places), address })
    }

    fn send(&self, work: Work) -> Result<(), Failure> {
        self.queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => busy(Kind::Unavailable),
        })
    }
}

fn busy(kind: Kind) -> Failure {
    Failure { kind, message: "too many passwords wait to be checked; try again in a moment".to_owned() }
}

fn check_new(password: &str) -> Result<(), Failure> {
    if password.chars().count() < MIN_CHARS {
        return Err(Failure::invalid(format!("a password has at least {MIN_CHARS} characters")));
    }
    if password.len() > MAX_BYTES {
        return Err(Failure::invalid(format!("a password has at most {MAX_BYTES} bytes")));
    }
    Ok(())
}

/// Works until the pool is gone.
fn labour(work: &Mutex<Receiver<Work>>) {
    let argon2 = Argon2::default();
    // What unknown users are compared with: the same parameters, and a password that nobody can send. Made at the first check,
    // whoever it is for, so that a command that checks nothing pays nothing.
    let mut nobody = None;
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            // Whoever asked may be gone; then there is nobody to tell, and no work to do.
            Ok(Work::Verify(_, _, reply)) if reply.is_closed() => {}
            Ok(Work::Verify(password, against, reply)) => {
                let nobody = nobody.get_or_insert_with(|| hash(&argon2, &[0xff; 16], &[0; 16]));
                let known = against.is_some();
                let hash = against.or_else(|| nobody.clone());
                let right = hash.is_some_and(|hash| verify(&argon2, password.expose().as_bytes(), &hash));
                let _ = reply.send(right && known);
            }
            Ok(Work::Hash(password, salt, reply)) => {
                let _ = reply.send(hash(&argon2, password.expose().as_bytes(), &salt));
            }
            Err(_) => return,
        }
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Option<PasswordHash> {
    let hash = argon2.hash_password_with_salt(password, salt).ok()?;
    Some(PasswordHash(hash.to_string().into()))
}

fn verify(argon2: &Argon2<'_>, password: &[u8], hash: &PasswordHash) -> bool {
    let hash: &str = &hash.0;
    password.len() <= MAX_BYTES && argon2.verify_password(password, hash).is_ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Zeros;

    impl Random for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn password(text: &str) -> Password {
        text.to_owned().into()
    }

    fn client(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, last]))
    }

    #[tokio::test]
    async fn right_wrong_unknown_and_unfit() {
        let pool = PasswordPool::start(1, || {});
        let hash = pool.hash(password("correct horse"), &Zeros).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        for (text, against, right) in [
            ("correct horse", Some(hash.clone()), true),
            ("correct horsf", Some(hash.clone()), false),
            ("", Some(hash.clone()), false),
            ("x", Some(hash.clone()), false),
            ("correct horse", None, false),
            ("\u{0}", None, false),
            ("correct horse", Some(PasswordHash("no hash at all".into())), false),
        ] {
            assert_eq!(pool.verify(password(text), against, client(1)).await.unwrap(), right, "{text:?}");
        }
        assert!(!pool.verify(password(&"x".repeat(MAX_BYTES + 1)), Some(hash), None).await.unwrap());
        for unfit in ["", "1234567", &"x".repeat(MAX_BYTES + 1)] {
            assert_eq!(pool.hash(password(unfit), &Zeros).await.unwrap_err().kind, Kind::Invalid);
        }
    }

    #[tokio::test]
    async fn one_address_cannot_take_every_place() {
        // No thread: what is sent waits.
        let pool = Arc::new(PasswordPool::start(0, || {}));
        let ask = |last| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.verify(password("x"), None, client(last)).await })
        };
        // Whoever is not turned away waits for ever, and then this fails.
        let refused = async |last| {
            let answer = tokio::time::timeout(Duration::from_secs(5), ask(last)).await;
            answer.expect("turned away at once").unwrap().unwrap_err().kind
        };
        let first: Vec<_> = (0..PER_ADDRESS).map(|_| ask(1)).collect();
        tokio::task::yield_now().await;
        assert_eq!(refused(1).await, Kind::Throttled);
        // Others have room until the queue itself is full.
        let others: Vec<_> = (2..=8).flat_map(|last| std::iter::repeat_n(last, PER_ADDRESS)).map(ask).collect();
        tokio::task::yield_now().await;
        assert_eq!(refused(200).await, Kind::Unavailable);
        first.iter().chain(&others).for_each(|task| assert!(!task.is_finished()));
        first.iter().chain(&others).for_each(tokio::task::JoinHandle::abort);
    }

    #[tokio::test]
    async fn unknown_users_cost_as_much() {
        let pool = PasswordPool::start(1, || {});
        let hash = pool.hash(password("correct horse"), &Zeros).await.unwrap();
        let mut spans = [Duration::ZERO; 2];
        for _ in 0..5 {
            for (span, hash) in spans.iter_mut().zip([Some(hash.clone()), None]) {
                #[expect(clippy::disallowed_methods, reason = "what is compared is real time")]
                let begun = std::time::Instant::now();
                pool.verify(password("wrong password"), hash, None).await.unwrap();
                *span += begun.elapsed();
            }
        }
        let [known, unknown] = spans.map(|span| span.as_secs_f64());
        assert!((0.5..2.0).contains(&(known / unknown)), "{known} against {unknown}");
    }
}
