//! A worker belongs to one thread at a time: it is `Send`, not `Sync`.

use keyward_engine::worker::Worker;

fn sent<T: Send>() {}
fn shared<T: Sync>() {}

fn main() {
    sent::<Worker>();
    shared::<Worker>();
}
