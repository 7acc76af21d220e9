//! Power cuts: after each write, sync and change of names, with any state that the disk may be in by then.

use faultdisk::{Change, Disk, Image, Op, Record, Tear, Watch};
use testkit::patiently;

use super::everything;
use super::ways::{Seen, Way};
use crate::harness::Place;

/// Minimum states of each way that are tried when everything is.
const ALL: usize = 1_200;

/// States in a sample.
const SAMPLE: usize = 40;

/// Sectors of disks.
const SECTORS: [usize; 2] = [512, 4096];

async fn nothing_is_lost(way: Way) {
    let mut stage = way.stage().await;
    let before = Disk::in_directory(stage.place.dir());
    stage.watch.record();
    let errors = patiently(stage.run(way), || format!("{way:?} hangs")).await;
    assert!(errors.is_empty(), "{errors:?}");
    let record = stage.watch.recorded();
    stage.close().await;

    way_is_taken(way, &before, &record);

    let points = record.ops.iter().filter(|op| !matches!(op, Op::Mark(_))).count() + 1;
    let wanted = if everything() { ALL } else { SAMPLE };
    let (each, step) = (wanted.div_ceil(points).max(4), if everything() { 1 } else { (4 * points).div_ceil(wanted) });
    let (mut disk, mut seen, mut point, mut tried) = (before, Seen::default(), 0, 0);
    for op in std::iter::once(None).chain(record.ops.iter().map(Some)) {
        match op {
            Some(Op::Mark(mark)) => {
                seen.note(mark);
                continue;
            }
            Some(op) => disk.apply(op),
            None => {}
        }
        point += 1;
        if point % step != 0 && point != points {
            continue;
        }
        for tear in tears(&disk, each, point) {
            let when = format!("{way:?}, after operation {point} of {points}, losing {tear:?}");
            let (place, watch) = place_with(&disk.after(tear));
            patiently(stage.check(place, &seen, &when), || format!("{when}: it hangs")).await;
            drop(watch);
            tried += 1;
        }
    }
    println!("{way:?}: {tried} states after {points} operations, nothing lost");
    assert!(!everything() || tried >= 1_000, "{way:?}: {tried} states are too few");
}

/// Asserts that the way writes the files it should: else something else was tested.
fn way_is_taken(way: Way, before: &Disk, record: &Record) {
    let is_written = |name| {
        let files = before.called(name, &record.ops);
        record
            .ops
            .iter()
            .any(|op| matches!(op, Op::Change { file, change: Change::Write { .. } } if files.contains(file)))
    };
    let journals = ["posthaste.journal", "posthaste.journal-2"].map(is_written);
    match way {
        Way::Tables | Way::Retention => assert!(is_written("posthaste.db-wal") && !journals[1]),
        Way::Journal => assert!(journals[0], "the journal is not used"),
        Way::HandOver => assert!(journals[0] && journals[1], "nothing is handed over"),
        Way::Checkpoint => assert!(is_written("posthaste.db"), "there is no checkpoint"),
        Way::FirstStart => assert!(is_written("posthaste.db") || is_written("posthaste.db-wal")),
    }
}

/// The losses possible at a point: `each` kinds of them, if anything is unsynced.
fn tears(disk: &Disk, each: usize, point: usize) -> Vec<Tear> {
    if !disk.has_unsynced() {
        return vec![Tear::Nothing];
    }
    let (changes, names) = disk.unsynced();
    let mut tears = vec![Tear::Nothing, Tear::Everything, Tear::AllButLast];
    for last in 1..changes.min(1 + each / 3) {
        tears.push(Tear::Last { changes: last, names: 0 });
    }
    for last in 1..=names.min(1 + each / 4) {
        tears.push(Tear::Last { changes: 0, names: last });
    }
    let by_chance = each.saturating_sub(tears.len()).max(2);
    tears.extend(
        (0..by_chance).map(|number| Tear::Sectors {
            bytes: SECTORS[number % SECTORS.len()],
            seed: (point * 1000 + number) as u64,
        }),
    );
    tears
}

/// A place with those files, whose syncs cost nothing.
fn place_with(image: &Image) -> (Place, Watch) {
    let place = Place::embedded();
    for (name, content) in image {
        std::fs::write(place.dir().join(name), content).unwrap();
    }
    let watch = Watch::on(place.dir());
    (place, watch)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_power_cut_while_events_go_into_the_tables() {
    nothing_is_lost(Way::Tables).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_power_cut_while_events_go_into_the_journal() {
    nothing_is_lost(Way::Journal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_power_cut_while_the_journal_is_handed_over() {
    nothing_is_lost(Way::HandOver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_power_cut_during_a_checkpoint_a_stop_and_a_start() {
    nothing_is_lost(Way::Checkpoint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_power_cut_during_retention() {
    nothing_is_lost(Way::Retention).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_power_cut_during_the_first_start() {
    nothing_is_lost(Way::FirstStart).await;
}
