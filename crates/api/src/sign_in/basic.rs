//! Usernames and passwords that come with requests (Basic): checked where all passwords are, answered to the cores.

use std::sync::Arc;

use keyward_core::basic::{BasicRules, Shown};
use keyward_core::decision::{Fault, Throttled, ThrottledBy};
use keyward_core::guarding::Disclose;
use keyward_engine::node::FILL;
use keyward_engine::people::UserRecord;
use keyward_engine::ports::{Checked, CheckedUser, Checking, FeedHead, Held, Passwords, StoreError};
use keyward_http::own::Refusal;

use crate::failure::{Failure, Kind};
use crate::fields;
use crate::origin::Origin;
use crate::service::Service;
use crate::sign_in::attempts::Why;
use crate::sign_in::passwords::{CROWDED_RETRY, Password};
use crate::sign_in::throttle::{self, Attempt};

/// What the record of a refused request says, which the core that asked writes.
const REFUSED: Refusal = Refusal { outcome: "Rejected", detail: "unknown" };

/// Checks passwords for the cores.
pub struct BasicPasswords(Arc<Service>);

impl BasicPasswords {
    /// By the users of a service.
    pub fn new(service: Arc<Service>) -> Self {
        Self(service)
    }
}

impl Passwords for BasicPasswords {
    fn check(&self, shown: Arc<Shown>) -> Checking {
        let service = Arc::clone(&self.0);
        Box::pin(async move { check(&service, &shown).await })
    }
}

async fn check(service: &Service, shown: &Shown) -> Result<Checked, Fault> {
    let origin = Origin { actor: "stranger".into(), client: Some(shown.client()), ..Origin::system(service) };
    let name = fields::username(shown.username()).ok();
    let configuration = service.configuration();
    let rules = &configuration.rules;
    let Some(basic) = &rules.guarding.basic else { return Ok(Checked::Wrong) };
    // The name in the configuration has any spelling; that of a user has one.
    let subject = if basic.is_of_one() { Some(shown.username()) } else { name.as_deref() };
    let attempt = Attempt { client: origin.client, subject };
    if let Some(throttled) = throttle::held(service, attempt) {
        note(service, &origin, (Why::Throttled, "not looked up")).await?;
        return Ok(Checked::Throttled(throttled));
    }
    if basic.is_of_one() {
        if basic.find(shown.digest()).is_none() {
            throttle::wrong(service, attempt);
            note(service, &origin, (Why::WrongBasic, "the user of the configuration")).await?;
            return Ok(Checked::Wrong);
        }
        let (head, _) = read_again(service, "").await?;
        return Ok(Checked::Right(head, Held::OnlyUser(*shown.digest())));
    }
    let turn = match service.passwords.turn(origin.client).await {
        Ok(turn) => turn,
        Err(crowded) => {
            let is_throttled = crowded.kind != Kind::Unavailable;
            note(service, &origin, (if is_throttled { Why::AddressBusy } else { Why::Busy }, "not looked up")).await?;
            let throttled = Throttled { by: ThrottledBy::Address, retry_after: CROWDED_RETRY };
            return if is_throttled { Ok(Checked::Throttled(throttled)) } else { Err(Fault::Busy) };
        }
    };
    // Others had their turn meanwhile, and may have been wrong.
    if let Some(throttled) = throttle::held(service, attempt) {
        note(service, &origin, (Why::Throttled, "not looked up")).await?;
        return Ok(Checked::Throttled(throttled));
    }
    let user = find(service, shown.username()).await.map_err(|error| Fault::from(&error))?;
    let hash = user.as_ref().and_then(|user| user.password.clone());
    let password = Password::from(shown.expose_password().to_owned());
    let right = service.passwords.verify(turn, password, hash.clone()).await.map_err(|_| Fault::Busy)?;
    // What is nobody's name is not written down: people type passwords into the wrong field.
    let subject = user.as_ref().map_or_else(|| "unknown user".into(), |user| user.owner.id.clone());
    if let (true, Some(user)) = (right, user) {
        let (head, checked) = read_again(service, &user.owner.id).await?;
        // Another password by now: this one was right a moment ago, and is not any more. Where nobody is told of a pause, it is
        // a wrong one in every respect.
        let is_told = |now: &UserRecord| !now.owner.is_paused() || rules.guarding.disclose == Disclose::Possessor;
        let is_enough = checked.as_ref().is_none_or(|now| !now.second_factor);
        if !is_enough {
            // Told as a wrong password, and counted as one: whoever guessed it learns nothing.
            throttle::wrong(service, attempt);
            note(service, &origin, (Why::BasicAlone, &subject)).await?;
            return Ok(Checked::Wrong);
        }
        if let Some(checked) = checked.filter(|now| now.password == hash && is_told(now)) {
            let checked = CheckedUser { user: checked.owner, at: service.now().wall };
            return Ok(Checked::Right(head, Held::User(Box::new(checked))));
        }
    }
    throttle::wrong(service, attempt);
    note(service, &origin, (Why::WrongBasic, &subject)).await?;
    Ok(Checked::Wrong)
}

/// The user of a name as somebody spells it.
async fn find(service: &Service, username: &str) -> Result<Option<UserRecord>, StoreError> {
    let Ok(name) = fields::username(username) else { return Ok(None) };
    Ok(service.store.find_user(&name).await?.filter(|user| user.owner.username == name))
}

/// The user after the check, which may have taken long. As any answer to a core it must not be older than [`FILL`].
async fn read_again(service: &Service, id: &str) -> Result<(FeedHead, Option<UserRecord>), Fault> {
    let begun = service.now().monotonic;
    match tokio::time::timeout(FILL, service.store.user_as_of(id)).await {
        Ok(Ok(found)) if service.now().monotonic.since(begun) <= FILL => Ok(found),
        Ok(Err(error)) => Err(Fault::from(&error)),
        Ok(Ok(_)) | Err(_) => Err(Fault::Timeout),
    }
}

async fn note(service: &Service, origin: &Origin, attempt: (Why, &str)) -> Result<(), Fault> {
    let noted = service.attempts.note(service, origin, attempt, REFUSED).await;
    noted.map_err(|error| Fault::from(&error))
}

/// For an explanation, which whoever may use the data directory asks for: nothing is counted or recorded.
pub(crate) async fn of_operator(service: &Service, shown: &Shown) -> Result<Option<Held>, Failure> {
    let configuration = service.configuration();
    if configuration.rules.guarding.basic.as_ref().is_some_and(BasicRules::is_of_one) {
        return Ok(Some(Held::OnlyUser(*shown.digest())));
    }
    let turn = service.passwords.turn(None).await?;
    let user = find(service, shown.username()).await?;
    let hash = user.as_ref().and_then(|user| user.password.clone());
    let right = service.passwords.verify(turn, Password::from(shown.expose_password().to_owned()), hash).await?;
    let at = service.now().wall;
    Ok(user
        .filter(|user| right && !user.second_factor)
        .map(|user| Held::User(Box::new(CheckedUser { user: user.owner, at }))))
}
