//! Timings, run by hand: `cargo test -p keyward-store --release speed -- --ignored --nocapture`.
