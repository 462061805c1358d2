//! Overlaps of keys that were replaced: who still uses one, and those that end once nobody does.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::limit::window_word;
use keyward_core::time::Timestamp;
use keyward_engine::audit::{Action, AuditEvent};
use keyward_engine::change::KeyChange;
use keyward_engine::ports::{Overlap, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fields::{self, rfc3339};
use crate::service::Service;

/// The overlap of a rotation that says nothing of it.
pub const OVERLAP: Duration = Duration::from_secs(24 * 3600);
/// The last end of an overlap that ends when the key is quiet, where nothing is said of it.
const AT_THE_LATEST: Duration = Duration::from_secs(30 * 86_400);
/// The shortest quiet that ends one. Uses are written by the minute.
const QUIET: Duration = Duration::from_secs(300);
/// By how much what is written of uses can be behind.
const BEHIND: Duration = Duration::from_secs(90);
/// How often overlaps are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// How a rotation ends, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    /// How long the old key goes on at most, such as `24h`.
    #[serde(default)]
    pub overlap: Option<String>,
    /// It ends earlier, once it was not used for so long, such as `24h`.
    #[serde(default)]
    pub until_quiet: Option<String>,
}

impl Ending {
    /// How long at most, and after how much quiet.
    ///
    /// # Errors
    /// What they should look like.
    pub fn read(&self) -> Result<(Duration, Option<Duration>), Failure> {
        let quiet = self.until_quiet.as_deref().map(|text| {
            fields::span(text).filter(|span| *span >= QUIET).ok_or_else(|| {
                Failure::invalid(format!("untilQuiet {text:?} is not a span of 5m or more, such as 24h"))
            })
        });
        let quiet = quiet.transpose()?;
        let silent = if quiet.is_some() { AT_THE_LATEST } else { OVERLAP };
        let overlap = self.overlap.as_deref().map_or(Ok(silent), fields::overlap)?;
        if quiet.is_some_and(|quiet| quiet >= overlap) {
            return Err(Failure::invalid(
                "the old key would end before it could be quiet for so long; make the overlap longer",
            ));
        }
        Ok((overlap, quiet))
    }
}

/// The overlap of a key that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverlapView {
    /// It ends early once the key was not used for so long; null = only at its date.
    pub until_quiet: Option<String>,
    /// Who used the key since it was replaced, the last first; of very many, the last 50.
    pub used_by: Vec<SightingView>,
}

/// One that uses a key that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SightingView {
    /// From where.
    pub address: String,
    /// What it says that it is: up to 120 printable ASCII characters, `?` for others; `-` where it says nothing.
    pub user_agent: String,
    /// On which route.
    pub route: String,
    /// When it was last seen.
    pub last_at: String,
}

impl From<Overlap> for OverlapView {
    fn from(overlap: Overlap) -> Self {
        let one = |seen: keyward_engine::sightings::Sighting| SightingView {
            address: seen.client.into(),
            user_agent: seen.agent.into(),
            route: seen.route.into(),
            last_at: rfc3339(seen.last_at),
        };
        Self { until_quiet: overlap.quiet.map(window_word), used_by: overlap.seen.into_iter().map(one).collect() }
    }
}

/// Ends overlaps of keys that were quiet for as long as was asked for, as long as the server runs. What fails is tried again.
pub async fn run(service: Arc<Service>) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    loop {
        tick.tick().await;
        let _ = end_quiet(&service).await;
    }
}

async fn end_quiet(service: &Service) -> Result<(), StoreError> {
    let now = service.now().wall;
    let behind = i64::try_from(BEHIND.as_millis()).unwrap_or_default();
    for id in service.store.quiet_overlaps(Timestamp::from_millis(now.as_millis() - behind)).await? {
        let event = AuditEvent {
            at: now,
            actor: "system".into(),
            action: Action::KeyOverlapEnded,
            subject: id.clone(),
            client: None,
            decision: None,
            detail: vec![("why", "quiet".into())],
        };
        service.store.change_api_key(&id, None, &KeyChange::EndOverlap(now), &event).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_read() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        // overlap | until quiet | at most, after quiet; or refused
        for (overlap, quiet, expected) in [
            (None, None, Some((hours(24), None))),
            (Some("0"), None, Some((hours(0), None))),
            (None, Some("24h"), Some((hours(720), Some(hours(24))))),
            (Some("48h"), Some("24h"), Some((hours(48), Some(hours(24))))),
            (Some("24h"), Some("24h"), None),
            (None, Some("4m"), None),
            (None, Some("soon"), None),
            (Some("soon"), None, None),
        ] {
            let ending = Ending { overlap: overlap.map(Into::into), until_quiet: quiet.map(Into::into) };
            assert_eq!(ending.read().ok(), expected, "{ending:?}");
        }
    }
}
