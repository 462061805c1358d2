//! Invariant 3: a door asks a worker for a decision, not for what it remembers.

use keyward_engine::worker::Worker;

fn peek(worker: &Worker) {
    let _ = worker.memory.borrow();
}

fn main() {}
