//! File descriptors: as many as the system gives, and never all of them to callers. Without one that is free no command
//! could be heard, not even a revocation.

use std::num::{NonZeroU32, NonZeroUsize};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::terminal;

/// Kept for Keyward itself: the store, the control plane, commands.
const KEPT: u64 = 96;
/// Kept for each core: its listener, its runtime, and upstream connections that wait for their next use.
const KEPT_PER_CORE: u64 = 16;
/// What one caller may need: a connection of its own, and one to the upstream.
const PER_CALLER: u64 = 2;

/// Raises the limit of this process as far as it may; `None` means that there is none.
pub fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    // Refused, it stays as it is, and fewer connections are taken.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current
}

/// How many connections are taken of those that are configured; a warning tells where it is not all.
pub fn seats(configured: NonZeroU32, most: Option<u64>, cores: NonZeroUsize) -> usize {
    let (wanted, kept) = (u64::from(configured.get()), kept(cores));
    let fit = fitting(wanted, most, kept);
    if let Some(most) = most.filter(|_| fit < wanted) {
        let enough = wanted * PER_CALLER + kept;
        terminal::warn_line(&format!(
            "keyward: server.limits.connections is {wanted}, but this process may have {most} files open: at most {fit} \
             connections are taken at once (each may need two files, and {kept} are kept for Keyward itself). Raise the \
             hard limit with `ulimit -n {enough}`, or set server.limits.connections to {fit}"
        ));
    }
    usize::try_from(fit).unwrap_or(usize::MAX)
}

fn kept(cores: NonZeroUsize) -> u64 {
    KEPT + KEPT_PER_CORE * u64::try_from(cores.get()).unwrap_or(u64::MAX / KEPT_PER_CORE / 2)
}

/// At least one: a server that takes nobody is of no use.
fn fitting(wanted: u64, most: Option<u64>, kept: u64) -> u64 {
    most.map_or(wanted, |most| wanted.min(most.saturating_sub(kept) / PER_CALLER).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_table() {
        for (wanted, most, seats) in [
            (10_000, None, 10_000),
            (10_000, Some(1_048_576), 10_000),
            (10_000, Some(20_128), 10_000),
            (10_000, Some(20_127), 9_999),
            (10_000, Some(1024), 448),
            (10_000, Some(256), 64),
            (10, Some(256), 10),
            (10, Some(64), 1),
        ] {
            assert_eq!(fitting(wanted, most, 128), seats, "{wanted} of {most:?}");
        }
        assert_eq!(kept(NonZeroUsize::MIN.saturating_add(1)), 128);
    }
}
