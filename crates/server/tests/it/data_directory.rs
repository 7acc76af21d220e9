//! The data directory of an embedded database, as an operator meets it: who may read it, and what is said when something
//! in it is damaged or missing.

#![allow(clippy::unwrap_used, reason = "what a test cannot get has failed it, and the line says where")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use testkit::process::Process;

use crate::gateway::text;
use crate::place::Place;
use crate::running::{KEY, Load, Running};

const PROGRAM: &str = env!("CARGO_BIN_EXE_posthaste");

/// A server that must not start: its exit code, and what it says.
async fn refused(place: &Place, words: &[&str]) -> (Option<i32>, String) {
    let words: Vec<&str> =
        ["serve", "--listen", "127.0.0.1:0"].into_iter().chain(place.flags()).chain(words.iter().copied()).collect();
    let mut server = Process::start(PROGRAM, &words, &[("POSTHASTE_ADMIN_KEY", KEY)]);
    let status = server.ended().await;
    (status.code(), server.errors())
}

async fn stopped(mut server: Running) -> String {
    server.process.signal("TERM").await;
    server.process.ended().await;
    server.process.errors()
}

async fn doctor(place: &Place, words: &[&str]) -> (Option<i32>, String) {
    let data_dir = place.data_dir().to_str().unwrap();
    let words = [&["doctor", "--data-dir", data_dir, "--server", "http://127.0.0.1:9"], words].concat();
    let mut done = Process::start(PROGRAM, &words, &[]);
    let status = done.ended().await;
    (status.code(), done.output())
}

/// All files but the lock, and what SQLite shares in memory.
fn files(data_dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(data_dir).unwrap().map(|entry| entry.unwrap());
    let files = entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()));
    files.filter(|(name, _)| name != "posthaste.lock" && name != "posthaste.db-shm").collect()
}

/// Kills a server in the middle of its work until its journal has groups that are in no table, and answers the ids of all
/// events that were accepted. Their ids begin with `name`, so that they are new where it has been called before.
async fn killed(place: &Place, name: &str, with_groups: usize) -> Vec<String> {
    let mut accepted = Vec::new();
    for round in 0..50 {
        let server = Running::start(place, &[]).await;
        let load = Load::start(&server, &format!("{name}-{round}"), 24);
        load.reached(200).await;
        server.process.kill().await;
        accepted.extend(load.accepted().await);
        if groups(place) >= with_groups {
            return accepted;
        }
    }
    panic!("the server is never killed with something in its journal");
}

/// Groups in the first file whose segment is not in the tables, by what the next start says.
fn groups(place: &Place) -> usize {
    let bytes = std::fs::read(place.data_dir().join("posthaste.journal")).unwrap();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (mut at, mut count) = (0, 0);
    while number(at) > 0 && bytes[at + 8..at + 16] == bytes[8..16] {
        at += 20 + usize::try_from(number(at)).unwrap();
        count += 1;
    }
    count
}

/// Counts events as an operator would, with a program that is not ours.
async fn counted_by_another_program(place: &Place) -> String {
    let count = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
                 print(db.execute('SELECT count(*) FROM events').fetchone()[0]); db.close()";
    let file = place.data_dir().join("posthaste.db");
    let mut program = Process::start("python3", &["-c", count, file.to_str().unwrap()], &[]);
    assert!(program.ended().await.success(), "{}", program.errors());
    program.output()
}

#[tokio::test]
async fn programs_that_look_into_the_database_of_a_running_server_take_nothing_away() {
    let place = Place::embedded();
    let server = Running::start(&place, &[]).await;
    let mut accepted = Vec::new();
    for count in 0..3 {
        assert_eq!(counted_by_another_program(&place).await, count.to_string());
        doctor(&place, &[]).await;
        let answer = server.http.post("/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
        accepted.push(text(&answer["id"]));
    }
    server.process.kill().await;

    let server = Running::start(&place, &[]).await;
    for id in accepted {
        assert_eq!(server.http.get(&format!("/v1/events/{id}")).await.status, 200, "{id} is lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_journal_stops_the_start_until_its_loss_is_accepted() {
    let place = Place::embedded();
    for turn in 0..50 {
        let accepted = killed(&place, &format!("turn{turn}"), 5).await;
        let path = place.data_dir().join("posthaste.journal");
        let whole = std::fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        damaged[300] ^= 4;
        std::fs::write(&path, &damaged).unwrap();
        let before = files(place.data_dir());

        let (code, said) = refused(&place, &[]).await;
        assert_eq!(code, Some(1), "{said}");
        for part in [path.to_str().unwrap(), "at byte 0", "of events can be read", "--accept-journal-loss"] {
            assert!(said.contains(part), "{part} is not in\n{said}");
        }
        assert_eq!(files(place.data_dir()), before, "nothing was changed");

        let server = Running::start(&place, &["--accept-journal-loss"]).await;
        let mut lost = 0;
        for id in &accepted {
            lost += usize::from(server.http.get(&format!("/v1/events/{id}")).await.status != 200);
        }
        let said = stopped(server).await;
        assert!(said.contains("journal loss accepted") && said.contains(".damaged-"), "{said}");
        if lost == 0 {
            continue; // that segment was in the tables already
        }
        assert!(lost < accepted.len());
        let kept = files(place.data_dir());
        assert!(kept.iter().any(|(name, bytes)| name.starts_with("posthaste.journal.damaged-") && *bytes == damaged));
        stopped(Running::start(&place, &[]).await).await;
        return;
    }
    panic!("what was damaged was in the tables each time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_is_counted_in_the_log() {
    let place = Place::embedded();
    for turn in 0..50 {
        killed(&place, &format!("turn{turn}"), 1).await;
        let said = stopped(Running::start(&place, &[]).await).await;
        if said.contains("replayed the journal") && said.contains("journal.groups=") {
            return;
        }
    }
    panic!("a journal was never replayed");
}

#[tokio::test]
async fn only_their_owner_reads_the_files_whatever_the_umask_and_the_doctor_warns_of_wider_ones() {
    let place = Place::embedded();
    let serve =
        format!("umask 000; exec {PROGRAM} serve --listen 127.0.0.1:0 --data-dir {}", place.data_dir().display());
    let mut server = Process::start("sh", &["-c", &serve], &[("POSTHASTE_ADMIN_KEY", KEY)]);
    server.prints("listening on ").await;

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.data_dir()), 0o700);
    let names = files(place.data_dir()).into_keys().chain(["posthaste.lock".into(), "posthaste.db-shm".into()]);
    let modes: BTreeMap<String, u32> = names.map(|name| (name.clone(), mode(&place.data_dir().join(name)))).collect();
    for name in ["posthaste.db", "posthaste.db-wal", "posthaste.journal", "posthaste.journal-2", "master.key"] {
        assert!(modes.contains_key(name), "{name} is not in {modes:?}");
    }
    assert!(modes.values().all(|mode| *mode == 0o600), "{modes:?}");
    server.signal("TERM").await;
    server.ended().await;

    assert!(doctor(&place, &[]).await.1.contains("nobody but their owner reads those"));
    std::fs::set_permissions(place.data_dir().join("posthaste.db"), PermissionsExt::from_mode(0o644)).unwrap();
    let (_, said) = doctor(&place, &[]).await;
    assert!(said.contains("posthaste.db (0644)") && said.contains("chmod 600"), "{said}");
}

#[tokio::test]
async fn a_missing_master_key_is_asked_for_and_none_is_made() {
    let place = Place::embedded();
    stopped(Running::start(&place, &[]).await).await;
    std::fs::remove_file(place.data_dir().join("master.key")).unwrap();
    let before = files(place.data_dir());

    let (code, said) = refused(&place, &[]).await;

    assert_eq!(code, Some(64), "{said}");
    let expected =
        format!("the database has secrets and there is no master.key in {}: put it back", place.data_dir().display());
    assert!(said.contains(&expected), "{said}");
    assert_eq!(files(place.data_dir()), before, "nothing was written");
}

#[tokio::test]
async fn a_damaged_database_is_named_with_what_to_do() {
    let place = Place::embedded();
    let server = Running::start(&place, &[]).await;
    for number in 0..300 {
        let event = json!({ "type": "a.b", "data": { "number": number, "pad": "x".repeat(300) } });
        server.http.post("/v1/events", &event).await.expect(202);
    }
    stopped(server).await;
    let (_, said) = doctor(&place, &["--deep"]).await;
    assert!(said.contains("rows can be read and fit together"), "{said}");
    let path = place.data_dir().join("posthaste.db");
    let whole = std::fs::read(&path).unwrap();

    // A page in the middle, and the first.
    for (range, kind) in [(whole.len() / 2..whole.len() / 2 + 20_000, "damaged"), (0..8192, "not a database")] {
        let mut bytes = whole.clone();
        bytes[range].fill(0xa5);
        std::fs::write(&path, &bytes).unwrap();
        let (code, said) = doctor(&place, &["--deep"]).await;
        assert_eq!(code, Some(1));
        assert!(said.contains(place.data_dir().to_str().unwrap()) && said.contains(kind), "{said}");
        assert!(said.contains("put a backup of the file back"), "{said}");
    }
    let (code, said) = refused(&place, &[]).await;
    assert_eq!(code, Some(1), "{said}");
    let path = path.to_str().unwrap();
    for part in [path, "not a database, or its beginning is damaged", "put a backup of the file back"] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
}
