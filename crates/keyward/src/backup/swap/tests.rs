//! A restore that is cut off after any of its steps leaves the old data or the new, and nothing between.

use std::collections::BTreeMap;

use super::*;

/// What each file of the data says; old and new differ in which files there are, too.
fn data(folder: &Path) -> BTreeMap<String, String> {
    let read = |name: &&str| Some(((*name).to_owned(), std::fs::read_to_string(folder.join(name)).ok()?));
    DATA.iter().filter_map(read).collect()
}

fn fill(folder: &Path, names: &[&str], text: &str) -> BTreeMap<String, String> {
    for name in names {
        std::fs::write(folder.join(name), format!("{text} {name}")).unwrap();
    }
    data(folder)
}

const OLD: [&str; 6] =
    ["keyward.db", "keyward.db-wal", "audit.key", "audit.head", "initial-admin-password", "feed.witness"];
const NEW: [&str; 4] = ["keyward.db", "audit.key", "master.key", "feed.witness"];

struct Scene {
    dir: tempfile::TempDir,
    old: BTreeMap<String, String>,
    new: BTreeMap<String, String>,
}

/// A directory with old data, something of nobody's business, and new data staged.
fn scene() -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let old = fill(dir.path(), &OLD, "old");
    std::fs::write(dir.path().join("keyward.yaml"), "mine").unwrap();
    let new = fill(&stage(dir.path()).unwrap(), &NEW, "new");
    Scene { dir, old, new }
}

fn only_the_new(scene: &Scene) {
    let dir = scene.dir.path();
    assert_eq!(data(dir), scene.new);
    assert_eq!(data(&dir.join("kept")), scene.old);
    assert_eq!(std::fs::read_to_string(dir.join("keyward.yaml")).unwrap(), "mine");
    assert!(!dir.join(JOURNAL).exists() && !dir.join(STAGING).exists());
    assert!(!settle(dir).unwrap(), "there is nothing left to do");
}

#[test]
fn undecided_is_the_old_data() {
    let scene = scene();
    let dir = scene.dir.path();
    assert!(!settle(dir).unwrap());
    assert_eq!(data(dir), scene.old);
    assert!(!dir.join(STAGING).exists(), "what was staged holds secrets");
}

#[test]
fn cut_off_after_any_step_it_is_finished() {
    let all = {
        let scene = scene();
        steps(&decide(scene.dir.path(), "kept").unwrap()).len()
    };
    assert_eq!(all, DATA.len() + 1 + NEW.len());
    for done in 0..=all {
        let scene = scene();
        let dir = scene.dir.path();
        let journal = decide(dir, "kept").unwrap();
        for step in steps(&journal).iter().take(done) {
            take(dir, &journal, step).unwrap();
        }
        assert!(settle(dir).unwrap(), "after {done} steps");
        only_the_new(&scene);
    }
}

#[test]
fn cut_off_while_it_is_finished_it_is_finished_again() {
    let all = DATA.len() + 1 + NEW.len();
    for (first, second) in (0..=all).flat_map(|first| (0..=all).map(move |second| (first, second))) {
        let scene = scene();
        let dir = scene.dir.path();
        let journal = decide(dir, "kept").unwrap();
        for done in [first, second] {
            for step in steps(&journal).iter().take(done) {
                take(dir, &journal, step).unwrap();
            }
        }
        assert!(settle(dir).unwrap(), "after {first} and {second} steps");
        only_the_new(&scene);
    }
}

#[test]
fn nothing_is_kept_where_nothing_was_and_no_folder_is_used_twice() {
    let dir = tempfile::tempdir().unwrap();
    let new = fill(&stage(dir.path()).unwrap(), &NEW, "new");
    assert_eq!(commit(dir.path(), "kept").unwrap(), None);
    assert_eq!(data(dir.path()), new);
    for expected in ["kept", "kept-2", "kept-3"] {
        fill(&stage(dir.path()).unwrap(), &NEW, "newer");
        assert_eq!(commit(dir.path(), "kept").unwrap(), Some(dir.path().join(expected)));
    }
}

#[test]
fn a_journal_that_cannot_be_read_stops_everything() {
    let scene = scene();
    std::fs::write(scene.dir.path().join(JOURNAL), "{").unwrap();
    assert!(settle(scene.dir.path()).is_err());
    assert_eq!(data(scene.dir.path()), scene.old);
    assert_eq!(data(&scene.dir.path().join(STAGING)), scene.new, "nothing is thrown away");
}
