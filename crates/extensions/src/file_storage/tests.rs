use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use proptest::prelude::*;
use weir_core::{Ack, Saved, Storage, Storages, UnixNanos, Verdict};
use weir_testkit::{Fixture, section};

use super::{
    file::{Fault, decode, encode},
    *,
};

const FORMAT: &str = "test/1";

/// A directory that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("weir-file-storage-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("delta@metrics/state")
    }

    fn config(&self) -> FileStorageConfig {
        FileStorageConfig {
            directory: self.0.clone(),
            timeout: weir_config::Duration::default(),
            ..FileStorageConfig::default()
        }
    }

    fn put(&self, bytes: &[u8]) {
        fs::create_dir_all(self.file().parent().unwrap()).unwrap();
        fs::write(self.file(), bytes).unwrap();
    }

    fn saved(&self) -> Saved {
        decode(&fs::read(self.file()).unwrap(), "delta@metrics", FORMAT).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn state(text: &str, is_final: bool) -> Saved {
    Saved { state: text.as_bytes().to_vec(), taken: UnixNanos(7), is_final }
}

/// A process with one component that has a place in the storage.
struct Run {
    fixture: Fixture,
    extension: Box<dyn Extension>,
    storage: Storage,
}

impl Run {
    async fn start(config: FileStorageConfig) -> Self {
        let fixture = Fixture::new();
        let health = weir_core::Process::new(fixture.clock.clone(), weir_core::Interner::new(1)).health;
        let mut extension = FileStorage::build(config, fixture.context("file_storage"), health);
        let storage = fixture.context("delta").storage("file_storage", FORMAT).unwrap();
        extension.start().await.unwrap();
        Self { fixture, extension, storage }
    }

    /// Hands `saved` over with nothing open before it, and lets the process end.
    async fn end_with(self, saved: Saved) -> Storages {
        let (ack, fate) = Ack::new();
        ack.settle(Verdict::Delivered);
        self.storage.save(saved, fate);
        self.end().await
    }

    async fn end(self) -> Storages {
        let stop = CancellationToken::new();
        stop.cancel();
        self.extension.run(stop).await.unwrap();
        self.fixture.storages
    }
}

fn figures(storages: &Storages) -> (u64, u64) {
    let stats = storages.stats().pop().unwrap();
    assert_eq!(stats.owner, "delta@metrics");
    (stats.saves, stats.failures)
}

#[tokio::test]
async fn a_successor_finds_what_was_saved() {
    let folder = Folder::new("successor");
    let first = Run::start(folder.config()).await;
    assert_eq!(first.storage.take_saved(), None);
    assert_eq!(figures(&first.end_with(state("one", true)).await), (1, 0));
    let second = Run::start(folder.config()).await;
    assert_eq!(second.storage.take_saved(), Some(state("one", true)));
    assert_eq!(fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777, 0o600);
    let mode = fs::metadata(folder.file().parent().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o027, 0, "others have no rights: {mode:o}");
}

#[tokio::test]
async fn state_that_was_gone_on_from_is_no_orderly_end_any_more() {
    let folder = Folder::new("crash");
    Run::start(folder.config()).await.end_with(state("one", true)).await;
    drop(Run::start(folder.config()).await); // and dies without a word
    assert_eq!(Run::start(folder.config()).await.storage.take_saved(), Some(state("one", false)));
}

#[tokio::test]
async fn it_is_saved_while_weir_runs_and_as_soon_as_it_is_due() {
    let folder = Folder::new("running");
    let Run { fixture, extension, storage } = Run::start(folder.config()).await;
    let (stop, (ack, fate)) = (CancellationToken::new(), Ack::new());
    storage.save(state("one", false), fate);
    let running = tokio::spawn(extension.run(stop.clone()));
    tokio::task::yield_now().await;
    assert!(!folder.file().exists(), "points before it are open");
    ack.settle(Verdict::Delivered);
    while figures(&fixture.storages).0 == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(folder.saved(), state("one", false));
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn at_the_end_state_whose_points_are_open_is_not_saved() {
    let folder = Folder::new("open");
    Run::start(folder.config()).await.end_with(state("one", false)).await;
    let run = Run::start(folder.config()).await;
    let (ack, fate) = Ack::new();
    run.storage.save(state("two", true), fate);
    run.end().await;
    assert_eq!(folder.saved(), state("one", false));
    drop(ack);
}

#[tokio::test]
async fn a_file_that_cannot_be_gone_on_from_is_set_aside_and_holds_up_nothing() {
    let whole = encode("delta@metrics", FORMAT, &state("one", true));
    let newer = [&whole[..8], &9u32.to_le_bytes(), &whole[12..]].concat();
    let mut damaged = whole.clone();
    damaged[40] ^= 1;
    let files: [(&str, &[u8]); 7] = [
        ("empty", b""),
        ("foreign", b"#!/bin/sh\nexit 0\n"),
        ("newer", &newer),
        ("damaged", &damaged),
        ("cut", &whole[..whole.len() - 5]),
        ("other", &encode("delta@other", FORMAT, &state("one", true))),
        ("format", &encode("delta@metrics", "test/2", &state("one", true))),
    ];
    for (name, bytes) in files {
        let folder = Folder::new(name);
        folder.put(bytes);
        let run = Run::start(folder.config()).await;
        assert_eq!(run.storage.take_saved(), None, "{name}");
        let aside = fs::read(folder.file().with_file_name("state.set_aside")).unwrap();
        assert_eq!(aside, bytes, "{name}");
        assert_eq!(figures(&run.end_with(state("two", true)).await), (1, 1), "{name}");
        assert_eq!(folder.saved(), state("two", true), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_file_is_set_aside_too() {
    let folder = Folder::new("directory");
    fs::create_dir_all(folder.file()).unwrap();
    let run = Run::start(folder.config()).await;
    assert_eq!(figures(&run.end_with(state("one", true)).await), (1, 1));
    assert_eq!(folder.saved(), state("one", true));
}

#[tokio::test]
async fn a_save_that_was_cut_off_leaves_the_state_before_it() {
    let folder = Folder::new("torn");
    Run::start(folder.config()).await.end_with(state("one", false)).await;
    fs::write(folder.file().with_file_name("state.new"), b"weirst").unwrap();
    let run = Run::start(folder.config()).await;
    assert_eq!(run.storage.take_saved(), Some(state("one", false)));
    run.end_with(state("two", false)).await;
    assert_eq!(folder.saved(), state("two", false));
}

/// What stands in the way of a save or a start is counted, and that is all.
async fn runs_without_state(config: FileStorageConfig) {
    let run = Run::start(config).await;
    assert_eq!(run.storage.take_saved(), None);
    let (saves, failures) = figures(&run.end_with(state("two", true)).await);
    assert_eq!((saves, failures > 0), (0, true));
}

#[tokio::test]
async fn a_directory_that_cannot_be_had_stops_nothing() {
    let folder = Folder::new("blocked");
    fs::create_dir_all(&folder.0).unwrap();
    let file = folder.0.join("file");
    fs::write(&file, "").unwrap();
    // Even root cannot make a directory below a file.
    runs_without_state(FileStorageConfig { directory: file.join("below"), ..folder.config() }).await;
    let missing = folder.0.join("missing");
    runs_without_state(FileStorageConfig {
        directory: missing.clone(),
        create_directory: false,
        ..folder.config()
    })
    .await;
    assert!(!missing.exists());
}

#[tokio::test]
async fn a_disk_that_takes_nothing_stops_nothing_and_the_state_before_stays() {
    let folder = Folder::new("full");
    Run::start(folder.config()).await.end_with(state("one", false)).await;
    let run = Run::start(folder.config()).await;
    // The file that every save begins with cannot be written: a directory has its name.
    fs::create_dir(folder.file().with_file_name("state.new")).unwrap();
    assert_eq!(figures(&run.end_with(state("two", true)).await), (0, 1));
    assert_eq!(folder.saved(), state("one", false));
}

#[tokio::test]
async fn of_two_processes_the_second_runs_without_a_storage() {
    let folder = Folder::new("two");
    let first = Run::start(folder.config()).await;
    runs_without_state(folder.config()).await;
    first.end_with(state("one", true)).await;
    assert_eq!(folder.saved(), state("one", true));
}

#[test]
fn what_the_collector_has_and_this_does_not_is_refused_with_the_reason() {
    let said = |yaml: &str| -> Vec<String> {
        let (_, told) = section::<FileStorageConfig>(yaml, &[]);
        told.into_iter().map(|one| one.message).collect()
    };
    assert!(said("{ directory: /x, create_directory: false, timeout: 2s, fsync: false }").is_empty());
    assert!(said("{ compaction: { on_start: true } }")[0].contains("nothing to compact"));
    assert!(said("{ recreate: true }")[0].contains("always set aside"));
    for wrong in ["'0999'", "'0100'", "'rwx'", "'01777'"] {
        let said = said(&format!("{{ directory_permissions: {wrong} }}"));
        assert!(said[0].contains("octal"), "{wrong}: {said:?}");
    }
    assert_eq!(said("{ directory: '' }"), ["the directory is empty"]);
}

fn any_saved() -> impl Strategy<Value = Saved> {
    (prop::collection::vec(any::<u8>(), 0..200), any::<u64>(), any::<bool>())
        .prop_map(|(state, taken, is_final)| Saved { state, taken: UnixNanos(taken), is_final })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_gives_back_what_was_put_in(saved in any_saved(), owner in ".{0,20}", format in ".{0,9}") {
        prop_assert_eq!(decode(&encode(&owner, &format, &saved), &owner, &format), Ok(saved));
    }

    #[test]
    fn no_file_that_was_changed_is_taken(saved in any_saved(), at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let mut file = encode("owner", FORMAT, &saved);
        let at = at.index(file.len());
        file[at] ^= flip;
        prop_assert!(decode(&file, "owner", FORMAT).is_err());
        file[at] ^= flip;
        file.truncate(at);
        prop_assert!(decode(&file, "owner", FORMAT).is_err());
    }

    #[test]
    fn bytes_of_any_kind_are_an_error_and_no_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..100), fits in any::<bool>()) {
        if fits {
            // Beyond the checksum, where the lengths are read.
            let mut file = [&b"weirstat"[..], &1u32.to_le_bytes(), &bytes].concat();
            file.extend(crc32fast::hash(&file).to_le_bytes());
            bytes = file;
        }
        match decode(&bytes, "owner", FORMAT) {
            Ok(_) | Err(Fault::Newer(_)) => prop_assert!(false, "so few bytes hold no owner"),
            Err(_) => {}
        }
    }
}

#[test]
fn a_path_is_no_way_out_of_the_directory() {
    let place = Place::new(Path::new("/s"), "../../etc@metrics", 0o750, true);
    assert_eq!(place.file(), Path::new("/s/%2E%2E%2F%2E%2E%2Fetc@metrics/state"));
    assert_eq!(Arc::new(place).file().components().count(), 4);
}
