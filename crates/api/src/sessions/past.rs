//! Sessions that nobody can carry on any more are let go, so that not everything that was ever issued is kept. What happened in
//! them stays in the audit log.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::time::Timestamp;
use keyward_engine::people::Past;

use crate::failure::Failure;
use crate::service::Service;

/// How often they are looked for.
const EVERY: Duration = Duration::from_secs(3600);
/// How long they are kept beyond the end of their last refresh token or of their cookie, at least: an access token that came with
/// the one may count on.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How many refresh tokens go at once: whoever else writes waits no longer than for these.
const BATCH: u32 = 500;

/// Lets them go for as long as the server runs.
pub async fn run(service: Arc<Service>) {
    loop {
        // What fails is tried again; nothing is lost by it but room on the disk.
        let _ = forget(&service).await;
        tokio::time::sleep(EVERY).await;
    }
}

async fn forget(service: &Service) -> Result<(), Failure> {
    let configuration = service.in_force.now();
    let lifetimes = (configuration.issuing.expiration, configuration.rules.guarding.sessions.absolute);
    let past = past(service.now().wall, lifetimes);
    while service.store.forget_sessions(past, BATCH).await? > 0 {}
    Ok(())
}

/// What lies far enough behind, by the lives of access tokens and of cookies. An access token of another configuration may have
/// a longer life than those that are made now; twice as long is waited for.
fn past(now: Timestamp, (expiration, absolute): (Duration, Duration)) -> Past {
    let ago = |span: Duration| {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(now.as_millis().saturating_sub(millis))
    };
    Past { refresh_tokens: ago(KEPT.max(expiration.saturating_mul(2))), cookies: ago(absolute.saturating_add(KEPT)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_may_still_count_is_kept() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let hour = |count: u64| Duration::from_secs(count * 3600);
        // lives of access tokens and cookies | how long after a refresh token's end, and after a cookie's beginning
        for (lives, hours) in [((hour(1), hour(12)), (24, 36)), ((hour(36), hour(1)), (72, 25))] {
            let past = past(now, lives);
            let ago = |time: Timestamp| (now.as_millis() - time.as_millis()) / 3_600_000;
            assert_eq!((ago(past.refresh_tokens), ago(past.cookies)), hours, "{lives:?}");
        }
        let never = past(now, (Duration::MAX, Duration::MAX));
        assert!(never.refresh_tokens.as_millis() < 0 && never.cookies.as_millis() < 0);
    }
}
