//! What belongs to one account, tried by another: every id of the one in every place of every endpoint that names something, on both
//! ports and by every method. Each is refused as an id that never was, and nothing of the one is changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod attack;
mod documented;
mod endpoints;
mod sides;

use keyward_testkit::world::World;

use attack::Attack;
use sides::Side;

/// Guesses are what this is about, so nobody is held back for them.
const CONFIG: &str = "security: {throttle: {enabled: false}}
roles: {desk: [keyward:nodes:read]}
portal: {path: /portal}
endpoints: {exchange: /_keyward/exchange}
";

#[test]
fn no_id_of_an_account_is_worth_anything_to_another() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).config(CONFIG).serve(&[]);
    let (theirs, ours) = (Side::of(&world, "gerda"), Side::of(&world, "heiko"));
    let attack = Attack::new(&world, &theirs, &ours);
    documented::every_operation(&attack);
    endpoints::every_endpoint(&attack);
    endpoints::secrets_of_another(&attack);
    theirs.still_has_everything();
}
