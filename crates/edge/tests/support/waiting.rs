//! Waiting, where a test is about time that passes.

use std::time::Duration;

/// Lets real time pass, where a test is about just that.
#[allow(clippy::disallowed_methods, reason = "test threads may block")]
pub fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// Waits until something is so: whether it ever is.
pub fn becomes(is: impl Fn() -> bool) -> bool {
    (0..2000).any(|_| {
        is() || {
            pause(Duration::from_millis(5));
            false
        }
    })
}
