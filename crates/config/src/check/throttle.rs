//! `security.throttle`: a window in which something can be counted.

use std::time::Duration;

use super::Look;
use crate::place::at;

/// The longest that somebody who mistyped should have to wait.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

pub(super) fn check(look: &mut Look<'_>) {
    let throttle = &look.settings.security.throttle;
    let path = at!["security", "throttle", "window"];
    if throttle.window < Duration::from_secs(1) {
        look.mistake(&path, "nothing could be counted in that time", ["write 1m, for example"]);
    } else if throttle.window > LONGEST {
        look.mistake(&path, "whoever mistyped would wait for more than a day", ["write 1m, for example"]);
    }
    if !look.settings.security.throttle.enabled {
        look.warning(
            &at!["security", "throttle", "enabled"],
            "nobody has to wait who tries passwords or keys",
            ["leave it on, unless something before Keyward does this"],
        );
    }
}
