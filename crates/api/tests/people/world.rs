//! Operations on a store of their own, with a clock that tests wind on.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use keyward_api::audit::{HeadKeeper, Sealer};
use keyward_api::failure::Failure;
use keyward_api::in_force::{Configuration, InForce, Prefixes};
use keyward_api::origin::Origin;
use keyward_api::people::users::{self, UserToMake};
use keyward_api::portal::{self, Portal, PortalEndpoints};
use keyward_api::pulse::Pulse;
use keyward_api::service::Service;
use keyward_api::sessions::tokens::Issuing;
use keyward_api::sign_in;
use keyward_api::sign_in::Shown;
use keyward_api::sign_in::attempts::Attempts;
use keyward_api::sign_in::basic::BasicPasswords;
use keyward_api::sign_in::console::FirstStep;
use keyward_api::sign_in::cookie::CookieSession;
use keyward_api::sign_in::passwords::{Password, PasswordPool};
use keyward_api::sign_in::tickets::Tickets;
use keyward_api::signing_keys::opener::Opener;
use keyward_api::signing_keys::sealing::MasterKey;
use keyward_config::{Flags, Input, Loaded};
use keyward_core::algorithm::Algorithm;
use keyward_core::api_key::{CredentialEntry, Rejection};
use keyward_core::decision::{Decision, Reason};
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::machine::{self, Question, Recalled, RequestFacts, Resumed, Ruled, Step};
use keyward_core::path::Target;
use keyward_core::plane::Plane;
use keyward_core::principal::Principal;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_engine::chain::AuditHead;
use keyward_engine::ports::{AuditFilter, Checked, Clock, FeedHead, Held, Passwords as _, Random, Store as _};
use keyward_engine::signing::turnover::Turnover;
use keyward_store::SqliteStore;
use zeroize::Zeroizing;

/// Where whoever asks comes from, unless a test says otherwise.
pub(crate) const HOME: [u8; 4] = [192, 0, 2, 1];

/// The password of everybody whom [`World::person`] makes.
pub(crate) const PASSWORD: &str = "a right password";

/// A clock that stands until a test winds it on; both of its sides go together.
pub(crate) struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Now {
        let millis = self.0.load(Ordering::SeqCst);
        Now {
            wall: Timestamp::from_millis(millis),
            monotonic: Monotonic::from_nanos(u64::try_from(millis).unwrap() * 1_000_000),
        }
    }
}

/// Bytes that differ each time, and are the same in each run.
struct Counted(AtomicU64);

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            let digest = ApiKeyDigest::of(&count.to_le_bytes());
            part.copy_from_slice(&digest.as_bytes()[..part.len()]);
        }
    }
}

/// A head that is kept nowhere.
struct Nowhere;

impl HeadKeeper for Nowhere {
    fn read(&self) -> std::io::Result<Option<AuditHead>> {
        Ok(None)
    }

    fn write(&self, _: &AuditHead) -> std::io::Result<()> {
        Ok(())
    }

    fn witness(&self, _: FeedHead) -> std::io::Result<()> {
        Ok(())
    }
}

/// A service, its clock, and the folder of its store.
pub(crate) struct World {
    pub(crate) service: Arc<Service>,
    hands: Arc<Hands>,
    _folder: tempfile::TempDir,
}

impl World {
    /// Without a configuration file.
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With the text of a configuration file.
    pub(crate) async fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // 2026-01-01.
        let hands = Arc::new(Hands(AtomicI64::new(1_767_225_600_000)));
        let random = Arc::new(Counted(AtomicU64::new(1)));
        let store = SqliteStore::create_or_open(folder.path(), &*random, hands.now().wall).await.unwrap();
        let tag_key = store.identity().await.unwrap().tag_key;
        let service = Service {
            store: Arc::new(store),
            clock: Arc::clone(&hands) as Arc<dyn Clock>,
            random,
            tag_key,
            in_force: InForce::new(configuration(text)),
            refresher: None,
            sealer: Sealer::new(MacKey::from_bytes([1; 32]), Box::new(Nowhere)),
            limits: None,
            decisions: None,
            pending: Arc::default(),
            pulse: Pulse::default(),
            passwords: PasswordPool::start(1, |_| ()),
            opener: Arc::new(Opener::new(Some(MasterKey::from_bytes(Zeroizing::new([2; 32]))))),
            signing: OnceLock::new(),
            serving: OnceLock::new(),
            throttle: Arc::default(),
            portal_files: portal::no_files,
            tickets: Tickets::default(),
            attempts: Attempts::default(),
            initial_password: None,
        };
        Self { service: Arc::new(service), hands, _folder: folder }
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, span: Duration) {
        self.hands.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Who asks, as a stranger from an address.
    pub(crate) fn from(&self, client: impl Into<IpAddr>) -> Origin {
        Origin { actor: "stranger".into(), client: Some(client.into()), ids: None, at: self.service.now().wall }
    }

    /// Who asks, as a stranger from [`HOME`].
    pub(crate) fn origin(&self) -> Origin {
        self.from(HOME)
    }

    /// Makes a user with [`PASSWORD`] and roles.
    pub(crate) async fn person(&self, username: &str, roles: &[&str]) -> Box<str> {
        let user = UserToMake {
            username: username.into(),
            roles: Some(roles.iter().map(|role| (*role).to_owned()).collect()),
            ..UserToMake::default()
        };
        let origin = Origin::operator(&self.service);
        users::create(&self.service, &user, Some(password(PASSWORD)), &origin).await.unwrap().id.into()
    }

    /// Signs in by cookie.
    pub(crate) async fn try_sign_in(&self, plane: Plane, username: &str, with: &str) -> Result<CookieSession, Failure> {
        let (service, origin) = (&self.service, self.origin());
        match plane {
            Plane::Data => {
                sign_in::cookie::sign_in(service, Shown { username, password: password(with), code: None }, &origin)
                    .await
            }
            Plane::Control => match sign_in::console::begin(service, username, password(with), &origin).await? {
                FirstStep::Session(session) => Ok(session),
                FirstStep::SecondFactor(_) => panic!("{username} has a second factor"),
            },
        }
    }

    /// The same with [`PASSWORD`]: what the browser holds then.
    pub(crate) async fn sign_in(&self, plane: Plane, username: &str) -> Browser {
        let session = self.try_sign_in(plane, username, PASSWORD).await.unwrap();
        Browser { plane, cookie: session.cookie.expose().to_owned() }
    }

    /// Who a browser is, where it counts; else why it is refused.
    pub(crate) async fn caller(&self, browser: &Browser) -> Result<Principal, Rejection> {
        self.judge(browser, browser.plane).await.map(|entry| entry.principal)
    }

    /// What becomes of a browser's cookie on a plane: by the store, and again by memory, which must say the same.
    pub(crate) async fn judge(&self, browser: &Browser, plane: Plane) -> Result<CredentialEntry, Rejection> {
        let configuration = self.service.configuration();
        let rules = &configuration.rules;
        let digest = ApiKeyDigest::of(browser.cookie.as_bytes());
        let held = self.service.store.find_cookies(&[digest]).await.unwrap().sessions.remove(0);
        let held = held.and_then(|one| Held::Cookie(Box::new(one)).resolve(rules, None, &self.service.tag_key));
        let entry = held.map(Arc::new);
        let mut verdicts = Vec::new();
        for known in [false, true] {
            let headers = http::HeaderMap::from_iter([(
                http::header::COOKIE,
                format!("{}={}", rules.guarding.sessions.cookie(), browser.cookie).parse().unwrap(),
            )]);
            let (method, target) = (http::Method::GET, Target::parse("/_keyward/me"));
            let facts = RequestFacts {
                plane,
                client: HOME.into(),
                method: &method,
                target: &target,
                headers: (&headers).into(),
            };
            let Step::Recall(asked, recalling) = machine::decide(rules, facts, self.service.now(), &mut ()) else {
                panic!("memory is not asked")
            };
            assert_eq!(asked, digest);
            let recalled = entry.clone().filter(|_| known).map_or(Recalled::Nothing, Recalled::Known);
            let ruled = match recalling.resume(recalled, &self.service.tag_key, &mut ()) {
                Resumed::Fetch(Question::Cookie(_), fetching) => fetching.resume(entry.clone(), &mut ()),
                Resumed::Ruled(ruled) => ruled,
                other => panic!("{other:?}"),
            };
            let Ruled::Decided(decision) = ruled else { panic!("limits of an own endpoint") };
            verdicts.push(match decision {
                Decision::Allow(permit) => Ok(CredentialEntry::clone(permit.credential().unwrap())),
                Decision::Deny(denial) => match denial.reason {
                    Reason::Rejected(why) => Err(why),
                    other => panic!("{other:?}"),
                },
            });
        }
        let second = verdicts.pop().unwrap();
        assert_eq!(verdicts.pop().unwrap(), second, "memory and store differ");
        second
    }

    /// Whether a username and a password that come with a request are somebody's.
    pub(crate) async fn basic(&self, username: &str, with: &str) -> bool {
        use base64::Engine as _;
        let configuration = self.service.configuration();
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{with}"));
        let value = format!("Basic {pair}").parse().unwrap();
        let headers = http::HeaderMap::from_iter([(http::header::AUTHORIZATION, value)]);
        let (method, target) = (http::Method::GET, Target::parse("/orders"));
        let (plane, client) = (Plane::Data, HOME.into());
        let facts = RequestFacts { plane, client, method: &method, target: &target, headers: (&headers).into() };
        let step = machine::decide(&configuration.rules, facts, self.service.now(), &mut ());
        let Step::Recall(_, recalling) = step else { panic!("memory is not asked") };
        let resumed = recalling.resume(Recalled::Nothing, &self.service.tag_key, &mut ());
        let Resumed::Fetch(Question::Basic(shown), _) = resumed else { panic!("no pair") };
        let checks = BasicPasswords::new(Arc::clone(&self.service));
        matches!(checks.check(shown).await.unwrap(), Checked::Right(..))
    }

    /// What the audit log tells, the oldest first: the action and who did it.
    pub(crate) async fn told(&self) -> Vec<(String, String)> {
        let filter = AuditFilter { limit: 1000, ..AuditFilter::default() };
        let mut told: Vec<_> = self.service.store.audit(&filter).await.unwrap();
        told.reverse();
        told.into_iter()
            .map(|(_, record)| {
                let record = record.unwrap();
                (record.action.to_string(), record.actor.to_string())
            })
            .collect()
    }

    /// How often an action is in the audit log.
    pub(crate) async fn times(&self, action: &str) -> usize {
        self.told().await.iter().filter(|(told, _)| told == action).count()
    }
}

/// What a browser holds of a session.
pub(crate) struct Browser {
    pub(crate) plane: Plane,
    pub(crate) cookie: String,
}

pub(crate) fn password(text: &str) -> Password {
    Password::from(text.to_owned())
}

fn configuration(text: &str) -> Configuration {
    let loaded: Loaded = keyward_config::load(Input {
        file: Some((PathBuf::from("keyward.yaml"), text.to_owned())),
        env: &|_| None,
        flags: Flags::default(),
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
    })
    .unwrap();
    let settings = &loaded.settings;
    let prefixes = || Prefixes { live: "kw_live_".into(), test: "kw_test_".into() };
    Configuration {
        version: 1,
        since: Timestamp::from_millis(0),
        file: None,
        values: serde_json::Value::Null,
        rules: Arc::new(keyward_config::rules(settings, MacKey::from_bytes([3; 32]))),
        responses: Arc::new(keyward_config::responses(settings)),
        default_account: None,
        prefixes: prefixes(),
        pair_prefixes: prefixes(),
        adopting: None,
        portal: settings.portal.path.as_ref().map(|path| Portal {
            path: path.as_str().into(),
            name: None,
            color: None,
            logo: None,
            endpoints: PortalEndpoints { login: None, logout: None, me: None, api_keys: None, usage: None },
        }),
        issuing: Issuing {
            expiration: Duration::from_secs(900),
            refresh_expiration: Duration::from_secs(86_400),
            refresh_prefix: "kwr_".into(),
            turnover: Turnover { algorithm: Algorithm::EdDsa, every: None, lifetime: Duration::from_secs(900) },
            refresh_without_secret: false,
        },
    }
}
