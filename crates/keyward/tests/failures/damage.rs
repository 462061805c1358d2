//! A damaged database, or a file that is none: it is left as it is, and whoever depends on it is told so.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use keyward_testkit::world::until;

use super::{assert_says, serve_refused, status_of, world};

/// Overwrites a file from some byte to its end.
fn scribble(path: &Path, from: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    assert!(length > from, "{} has {length} bytes", path.display());
    file.write_all_at(&vec![0xa5; usize::try_from(length - from).unwrap()], from).unwrap();
}

#[test]
fn found_at_start() {
    for damage in ["garbage", "zeros", "cut", "pages"] {
        let world = world();
        world.ok(&["init"]);
        world.key("bot", &[]);
        let database = world.data_dir().join("keyward.db");
        let length = database.metadata().unwrap().len();
        match damage {
            "garbage" => scribble(&database, 0),
            "zeros" => std::fs::write(&database, vec![0; 40_000]).unwrap(),
            "cut" => OpenOptions::new().write(true).open(&database).unwrap().set_len(length / 2 + 100).unwrap(),
            _ => scribble(&database, 4096),
        }
        let before = std::fs::read(&database).unwrap();
        let words = [database.to_str().unwrap(), "the database is damaged", "nothing was changed", "a backup"];
        assert_says(&serve_refused(&world, &[]), &words);
        for command in [&["init"][..], &["key", "list"], &["key", "create", "bot"]] {
            assert_says(&world.refused(command), &words);
        }
        assert_eq!(std::fs::read(&database).unwrap(), before, "{damage}: the file was touched");
    }
}

/// Damage under a running server: until it is noticed keys go on, from then on nobody passes. At no time is a right key
/// called wrong, and at no time is there an answer that nobody has written down.
#[test]
fn while_serving() {
    for damage in ["log", "both"] {
        let mut world = world().serve(&[]);
        let (key, unseen) = (world.key("bot", &[]), world.key("unseen", &[]));
        assert_eq!(world.get("/x", &key).status, 200);
        scribble(&world.data_dir().join("keyward.db-wal"), 3000);
        if damage == "both" {
            scribble(&world.data_dir().join("keyward.db"), 0);
        }
        let mut statuses = Vec::new();
        until("a refusal", || {
            statuses.extend([world.get("/x", &key).status, world.get("/x", &unseen).status]);
            statuses.contains(&503).then_some(())
        });
        for _ in 0..10 {
            statuses.extend([world.get("/x", &key).status, world.get("/x", &unseen).status]);
        }
        assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{damage}: {statuses:?}");
        until("not ready", || (status_of(world.server().admin, "/ready") == 503).then_some(()));
        assert_says(&world.refused(&["key", "create", "lost"]), &["nothing was changed", "damaged"]);
        assert_eq!(status_of(world.server().data, "/_keyward/health"), 200, "it still answers");
        world.take_server().kill();
    }
}
