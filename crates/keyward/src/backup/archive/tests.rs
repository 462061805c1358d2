//! The container: there and back, and every way in which a file is not one.

use std::path::PathBuf;

use super::*;

struct Made {
    folder: tempfile::TempDir,
    file: PathBuf,
}

impl Made {
    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.file).unwrap()
    }

    /// The same place with other bytes in it.
    fn refused(&self, bytes: &[u8]) -> Unusable {
        let other = self.folder.path().join("other");
        std::fs::write(&other, bytes).unwrap();
        open(&other).map(|(_, manifest)| manifest).unwrap_err()
    }
}

fn manifest(members: Vec<Member>) -> Manifest {
    Manifest {
        format: FORMAT,
        keyward: "0.0.0".to_owned(),
        created_at: "2025-01-31T12:00:00Z".to_owned(),
        schema: 3,
        epoch: "00000000000000ff".to_owned(),
        position: 7,
        users: 1,
        keys: 2,
        members,
    }
}

/// A backup of members with these texts.
fn made(members: &[(&str, &[u8])], change: impl FnOnce(&mut Manifest)) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let mut sources: Vec<io::Cursor<&[u8]>> = members.iter().map(|(_, text)| io::Cursor::new(*text)).collect();
    let named = members.iter().zip(&mut sources).map(|((name, _), source)| member(name, source).unwrap());
    let mut manifest = manifest(named.collect());
    change(&mut manifest);
    let mut readers: Vec<&mut dyn Read> = sources.iter_mut().map(|source| source as &mut dyn Read).collect();
    write(File::create(&file).unwrap(), &manifest, &mut readers).unwrap();
    Made { folder, file }
}

const DATABASE: (&str, &[u8]) = ("keyward.db", &[1; 3000]);
const KEY: (&str, &[u8]) = ("audit.key", b"a key");

#[test]
fn there_and_back() {
    let made = made(&[DATABASE, KEY, ("audit.head", b"")], |_| ());
    let (mut file, manifest) = open(&made.file).unwrap();
    let names: Vec<_> = manifest.members.iter().map(|member| (member.name.as_str(), member.size)).collect();
    assert_eq!(names, [("keyward.db", 3000), ("audit.key", 5), ("audit.head", 0)]);
    let into = made.folder.path().join("into");
    std::fs::create_dir(&into).unwrap();
    extract(&mut file, &manifest, &into).unwrap();
    assert_eq!(std::fs::read(into.join("keyward.db")).unwrap(), DATABASE.1);
    assert_eq!(std::fs::read(into.join("audit.key")).unwrap(), KEY.1);
    for entry in std::fs::read_dir(&into).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(extract(&mut file, &manifest, &into).is_err(), "nothing is overwritten");
}

#[test]
fn any_tar_reads_it() {
    let made = made(&[DATABASE, KEY], |_| ());
    let listed = std::process::Command::new("tar").arg("tf").arg(&made.file).output().unwrap();
    assert!(listed.status.success());
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), "manifest.json\nkeyward.db\naudit.key\nsha256\n");
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let made = made(&[DATABASE, KEY], |_| ());
    let bytes = made.bytes();
    for length in (0..bytes.len()).step_by(97).chain(bytes.len() - 40..bytes.len()) {
        let refused = made.refused(&bytes[..length]);
        assert!(matches!(refused, Unusable::Damaged | Unusable::Foreign), "{length}: {refused:?}");
    }
    assert!(matches!(made.refused(&[&bytes[..], b"x"].concat()), Unusable::Damaged));
}

#[test]
fn every_altered_byte_is_noticed() {
    let made = made(&[DATABASE, KEY], |_| ());
    let bytes = made.bytes();
    for at in (0..bytes.len()).step_by(61).chain(bytes.len() - 2048..bytes.len()) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let refused = made.refused(&altered);
        assert!(matches!(refused, Unusable::Damaged | Unusable::Foreign | Unusable::Newer(_)), "{at}: {refused:?}");
    }
}

#[test]
fn what_is_something_else_is_told_from_what_is_damaged() {
    let whole = made(&[DATABASE, KEY], |_| ());
    for foreign in [&b""[..], b"SQLite format 3\0", &[0; 10240], &[b'x'; 5000]] {
        assert!(matches!(whole.refused(foreign), Unusable::Foreign), "{:?}", foreign.get(..3));
    }
    let mut other = tar::Builder::new(Vec::new());
    append(&mut other, "notes.txt", 5, &mut &b"notes"[..]).unwrap();
    assert!(matches!(whole.refused(&other.into_inner().unwrap()), Unusable::Foreign));
    let newer = made(&[DATABASE, KEY], |manifest| manifest.format = 2);
    let refused = newer.refused(&newer.bytes());
    assert!(matches!(refused, Unusable::Newer(2)), "{refused:?}");
    assert!(refused.to_string().contains("form 2"));
    assert!(open(&whole.folder.path().join("none")).is_err());
}

#[test]
fn only_known_names_come_out_of_it() {
    let other = |name| (name, &b"x"[..]);
    for members in [
        vec![DATABASE, KEY, other("keyward.sock")],
        vec![DATABASE, KEY, other("../audit.head")],
        vec![DATABASE, KEY, KEY],
        vec![KEY],
        vec![DATABASE],
        vec![],
    ] {
        // What tar itself would not write is put into the manifest alone.
        let written: Vec<_> = members.iter().copied().filter(|(name, _)| !name.contains("..")).collect();
        let made = made(&written, |manifest| {
            manifest.members =
                members.iter().map(|(name, text)| member(name, &mut io::Cursor::new(text)).unwrap()).collect();
        });
        assert!(matches!(made.refused(&made.bytes()), Unusable::Foreign), "{members:?}");
    }
}

#[test]
fn a_member_that_is_not_what_the_manifest_says_is_refused() {
    let changes: [fn(&mut Manifest); 3] = [
        |manifest| manifest.members[0].sha256 = "0".repeat(64),
        |manifest| manifest.members.swap(0, 1),
        |manifest| manifest.members.push(Member { name: "master.key".to_owned(), size: 0, sha256: String::new() }),
    ];
    for change in changes {
        let made = made(&[DATABASE, KEY], |_| ());
        let (mut file, mut manifest) = open(&made.file).unwrap();
        change(&mut manifest);
        let into = tempfile::tempdir().unwrap();
        let refused = extract(&mut file, &manifest, into.path()).unwrap_err();
        assert!(matches!(refused, Unusable::Damaged), "{refused:?}");
    }
}
