//! Passwords: hashed and checked by argon2id on a few threads of their own.
//!
//! A check costs tens of milliseconds and 19 MiB on purpose. So it runs where it holds up nobody: whoever wants one waits for
//! a turn, which is handed out in a circle of addresses, and who is turned away learns it at once. Each thread has one block
//! of memory, made at its first check and used again for every other, so that a flood costs no more of it than one sign-in.

use std::net::IpAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use keyward_engine::people::PasswordHash;
use keyward_engine::ports::Random;
use keyward_http::bounds::{PASSWORDS, PASSWORDS_PER_ADDRESS};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use zeroize::{Zeroize as _, Zeroizing};

use crate::failure::{Failure, Kind};
use crate::import::foreign;
use crate::sign_in::turns::{Crowded, Room, Turn, Turns};

/// The longest password, in bytes.
pub const MAX_BYTES: usize = keyward_core::basic::PASSWORD_BYTES;
/// When whoever found too many of its own passwords waiting may come again: there is a place by then, unless it is taken anew.
pub const CROWDED_RETRY: Duration = Duration::from_secs(1);
/// The shortest password that can be set, in characters (NIST SP 800-63B §3.1.1.2).
pub const MIN_CHARS: usize = 8;

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

/// What a thread is to do. The turn comes along and ends with the work, whether or not anybody waits for its outcome.
enum Work {
    Verify(Turn, Password, Option<PasswordHash>, oneshot::Sender<bool>),
    Hash(Turn, Password, [u8; 16], oneshot::Sender<Option<PasswordHash>>),
}

/// The threads and whose turn it is. Where a command works alone, it has its own.
pub struct PasswordPool {
    turns: Turns,
    /// Never longer than there are threads: what is sent holds a turn.
    queue: Sender<Work>,
}

impl PasswordPool {
    /// Starts so many threads; each calls `begin` with its place first, to step back behind threads that serve requests.
    pub fn start(threads: usize, begin: fn(usize)) -> Self {
        let (queue, work) = channel();
        let work = Arc::new(Mutex::new(work));
        for place in 0..threads {
            let work = Arc::clone(&work);
            std::thread::spawn(move || {
                begin(place);
                labour(&work);
            });
        }
        let room = Room { at_once: threads, waiting: PASSWORDS, per_address: PASSWORDS_PER_ADDRESS };
        Self { turns: Turns::new(room), queue }
    }

    /// Waits for a turn of whoever comes from an address.
    ///
    /// # Errors
    /// Too many wait.
    pub async fn turn(&self, client: Option<IpAddr>) -> Result<Turn, Failure> {
        self.turns.take(client).await.map_err(|crowded| match crowded {
            Crowded::Address => busy(Kind::Throttled(CROWDED_RETRY.as_secs())),
            Crowded::All => busy(Kind::Unavailable),
        })
    }

    /// Whether a password is the one that a hash is of. Without a hash, as of an unknown user, it takes as long, and is not.
    ///
    /// # Errors
    /// The threads are gone; nothing was checked.
    pub async fn verify(&self, turn: Turn, password: Password, hash: Option<PasswordHash>) -> Result<bool, Failure> {
        let (reply, answer) = oneshot::channel();
        // Where nobody takes it, the answer does not come either.
        let _ = self.queue.send(Work::Verify(turn, password, hash, reply));
        answer.await.map_err(|_| busy(Kind::Unavailable))
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// A password that is too short or too long, or too many wait.
    pub async fn hash(&self, password: Password, random: &dyn Random) -> Result<PasswordHash, Failure> {
        check_new(password.expose())?;
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let turn = self.turn(None).await?;
        let (reply, answer) = oneshot::channel();
        let _ = self.queue.send(Work::Hash(turn, password, salt, reply));
        answer.await.ok().flatten().ok_or_else(|| busy(Kind::Unavailable))
    }

    /// The hash, by the parameters of today, of a password that was found to be right. `None`: not now, because too many wait.
    pub async fn renew(&self, password: Password, random: &dyn Random, client: Option<IpAddr>) -> Option<PasswordHash> {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let turn = self.turn(client).await.ok()?;
        let (reply, answer) = oneshot::channel();
        let _ = self.queue.send(Work::Hash(turn, password, salt, reply));
        answer.await.ok().flatten()
    }

    /// How many passwords of callers wait or are being checked.
    pub fn waiting(&self) -> usize {
        self.turns.waiting()
    }
}

fn busy(kind: Kind) -> Failure {
    Failure { kind, message: "too many passwords wait to be checked; try again in a moment".to_owned() }
}

fn check_new(password: &str) -> Result<(), Failure> {
    if password.chars().count() < MIN_CHARS {
        return Err(Failure::invalid(format!("a password has at least {MIN_CHARS} characters")));
    }
    if is_too_long(password) {
        return Err(Failure::invalid(format!("a password has at most {MAX_BYTES} bytes")));
    }
    Ok(())
}

/// Whether a password is longer than any that can be right.
pub fn is_too_long(password: &str) -> bool {
    password.len() > MAX_BYTES
}

/// Works until the pool is gone.
fn labour(work: &Mutex<Receiver<Work>>) {
    let mut hasher = Hasher::default();
    // What unknown users are compared with: the same parameters, and a password that nobody can send. Made at the first check,
    // whoever it is for, so that a command that checks nothing pays nothing.
    let mut nobody = None;
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            // Whoever asked may be gone; then there is nobody to tell, and no work to do.
            Ok(Work::Verify(_, _, _, reply)) if reply.is_closed() => {}
            Ok(Work::Verify(turn, password, against, reply)) => {
                let nobody = nobody.get_or_insert_with(|| hasher.hash(&[0xff; 16], &[0; 16]));
                let known = against.is_some();
                let hash = against.or_else(|| nobody.clone());
                let right = hash.is_some_and(|hash| hasher.verify(password.expose().as_bytes(), &hash));
                let _ = reply.send(right && known);
                drop(turn);
            }
            Ok(Work::Hash(turn, password, salt, reply)) => {
                let _ = reply.send(hasher.hash(password.expose().as_bytes(), &salt));
                drop(turn);
            }
            Err(_) => return,
        }
    }
}

/// argon2id in memory of its own: as much as the parameters here want, made once, and zeroed after each use.
#[derive(Default)]
struct Hasher {
    memory: Vec<Block>,
}

impl Hasher {
    fn hash(&mut self, password: &[u8], salt: &[u8]) -> Option<PasswordHash> {
        let argon2 = Argon2::default();
        let mut out = Zeroizing::new([0; Params::DEFAULT_OUTPUT_LEN]);
        self.fill(&argon2, password, salt, out.as_mut_slice())?;
        let hash = argon2::PasswordHash {
            algorithm: Algorithm::default().ident(),
            version: Some(Version::default().into()),
            params: ParamsString::try_from(argon2.params()).ok()?,
            salt: Some(Salt::new(salt).ok()?),
            hash: Some(Output::new(out.as_slice()).ok()?),
        };
        Some(PasswordHash(hash.to_string().into()))
    }

    fn verify(&mut self, password: &[u8], hash: &PasswordHash) -> bool {
        foreign::verify_bcrypt(password, hash).unwrap_or_else(|| self.try_verify(password, hash).unwrap_or(false))
    }

    /// `None`: the hash cannot be read, or wants more memory than there is.
    fn try_verify(&mut self, password: &[u8], hash: &PasswordHash) -> Option<bool> {
        let hash = argon2::PasswordHash::new(&hash.0).ok()?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
        let argon2 = Argon2::new(algorithm, version, Params::try_from(&hash).ok()?);
        let (salt, expected) = (hash.salt?, hash.hash?);
        let mut out = Zeroizing::new([0; Output::MAX_LENGTH]);
        let out = out.get_mut(..expected.len())?;
        self.fill(&argon2, password, &salt, out)?;
        // Outputs are compared in constant time.
        Some(Output::new(out).ok()? == expected)
    }

    fn fill(&mut self, argon2: &Argon2<'_>, password: &[u8], salt: &[u8], out: &mut [u8]) -> Option<()> {
        if self.memory.is_empty() {
            self.memory = vec![Block::new(); Params::default().block_count()];
        }
        let done = argon2.hash_password_into_with_memory(password, salt, out, self.memory.as_mut_slice());
        self.memory.iter_mut().for_each(Block::zeroize);
        done.ok()
    }
}

#[cfg(test)]
mod tests {
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

    #[tokio::test]
    async fn right_wrong_unknown_and_unfit() {
        let pool = PasswordPool::start(1, |_| {});
        let hash = pool.hash(password("correct horse"), &Zeros).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        let long = "x".repeat(MAX_BYTES);
        let of_long = pool.hash(password(&long), &Zeros).await.unwrap();
        // By the same parameters and with twice the memory.
        let other = "$argon2id$v=19$m=38912,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for (text, against, right) in [
            ("correct horse", Some(hash.clone()), true),
            ("correct horsf", Some(hash.clone()), false),
            ("", Some(hash.clone()), false),
            ("x", Some(hash.clone()), false),
            (&long, Some(of_long.clone()), true),
            (&long[1..], Some(of_long.clone()), false),
            (&long[..72], Some(of_long), false),
            ("correct horse", None, false),
            ("", None, false),
            ("\u{0}", None, false),
            ("correct horse", Some(PasswordHash("no hash at all".into())), false),
            ("correct horse", Some(PasswordHash(other.into())), false),
            ("correct horse", Some(hash.clone()), true),
        ] {
            let turn = pool.turn(Some(IpAddr::from([10, 0, 0, 1]))).await.unwrap();
            assert_eq!(pool.verify(turn, password(text), against).await.unwrap(), right, "{text:?}");
        }
        for unfit in ["", "1234567", &"x".repeat(MAX_BYTES + 1)] {
            assert_eq!(pool.hash(password(unfit), &Zeros).await.unwrap_err().kind, Kind::Invalid);
        }
    }

    #[test]
    fn what_is_hashed_is_what_others_hash_and_leaves_no_trace() {
        let mut hasher = Hasher::default();
        for round in 0..2 {
            let hash = hasher.hash(b"correct horse", &[7; 16]).unwrap();
            let theirs: argon2::PasswordHash =
                argon2::PasswordHasher::hash_password_with_salt(&Argon2::default(), b"correct horse", &[7; 16])
                    .unwrap();
            assert_eq!(*hash.0, *theirs.to_string(), "round {round}");
            assert!(hasher.verify(b"correct horse", &hash) && !hasher.verify(b"correct horsf", &hash));
            assert_eq!(hasher.memory.len(), 19 * 1024);
            let traces = hasher.memory.iter().filter(|block| block.as_ref().iter().any(|word| *word != 0)).count();
            assert_eq!(traces, 0, "what was made of a password is still in memory");
        }
    }

    #[tokio::test]
    async fn unknown_users_cost_as_much() {
        let pool = PasswordPool::start(1, |_| {});
        let hash = pool.hash(password("correct horse"), &Zeros).await.unwrap();
        let mut spans = [Duration::ZERO; 2];
        for _ in 0..5 {
            for (span, hash) in spans.iter_mut().zip([Some(hash.clone()), None]) {
                let turn = pool.turn(None).await.unwrap();
                #[expect(clippy::disallowed_methods, reason = "what is compared is real time")]
                let begun = std::time::Instant::now();
                pool.verify(turn, password("wrong password"), hash).await.unwrap();
                *span += begun.elapsed();
            }
        }
        let [known, unknown] = spans.map(|span| span.as_secs_f64());
        assert!((0.5..2.0).contains(&(known / unknown)), "{known} against {unknown}");
    }
}
