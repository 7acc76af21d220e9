//! *growth*: the same load on an empty database and on one with millions of deliveries. The cost of an event in each.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::outcome::Outcome;
use super::pairs::Pairs;
use crate::conditions::Conditions;
use crate::database::Choice;
use crate::event::type_of;
use crate::figure::{Figures, Goal};
use crate::gateway::Gateway;
use crate::load::LoadModel;
use crate::others::Others;
use crate::reserved_addresses::ReservedAddresses;
use crate::sink::{Sink, all_well};
use crate::sizes::MOST_PAIRS;
use crate::table::grouped;
use crate::trial::{self, Course, Trial};
use crate::{BenchError, census, clock, control, output};

/// Beginning of the types of the stored events. No endpoint wants them any more when the load runs.
const FAMILY: &str = "stored";

/// Beginnings of the types of the events of each load on it: no endpoint wants those of the loads before either.
const LOADS: [&str; MOST_PAIRS as usize] = ["first", "second", "third", "fourth", "fifth"];

/// Events of one round of filling: checked, and forgotten by the receiver, before the next.
const ROUND: u64 = 10_000;

/// The description of a saved directory, beside the server's data in `data`.
#[derive(Serialize, Deserialize)]
struct Saved {
    slug: String,
    deliveries: u64,
}

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    let sizes = &conditions.sizes;
    let mut figures = Figures::of("growth");
    let mut lost = 0;
    let mut full = match &sizes.stored_dir {
        None => fill(conditions, &mut figures, &mut lost)?,
        Some(directory) => saved(conditions, directory, &mut figures, &mut lost)?,
    };
    full.stop()?;
    let pairs = Pairs::run(
        conditions.pairs(),
        |_| {
            let mut gateway = Gateway::open(conditions, 1)?;
            // Both loads have the same number of endpoints.
            register(conditions, &gateway, &ReservedAddresses::reserve(1)?)?;
            let course = Course::plain("growth: empty", LoadModel::Closed, conditions.duration());
            trial::run_on(&mut gateway, conditions, &course)
        },
        |index| {
            full.start_nodes(1)?;
            control::wait_until_ready(full.address())?;
            let name = format!("growth: {} stored", grouped(sizes.stored));
            let course = Course::plain(name, LoadModel::Closed, conditions.duration());
            trial::run_on(&mut full, conditions, &Course { family: LOADS[index], ..course })
        },
    )?;
    let by_bare = |trial: &Trial| trial.all_processor_us_per_event() / trial.bare_processor_us;
    let measure = "processor time an event ÷ empty, each by its bare POST's";
    pairs.aim(measure, by_bare, Goal::AtMost(1.2), &mut figures);
    pairs.tell("delivered events ÷ empty", |trial| trial.delivered_per_second, &mut figures);
    let mut outcome = Outcome::of_trials(pairs.into_trials(), figures);
    outcome.lost += lost;
    Ok(outcome)
}

fn register(conditions: &Conditions, gateway: &Gateway, place: &ReservedAddresses) -> Result<(), BenchError> {
    let endpoint = |index| json!({ "url": place.urls().of(index), "events": [type_of(FAMILY, 0)] });
    gateway.register((0..conditions.sizes.stored_endpoints).map(endpoint).collect())
}

/// A gateway with as many deliveries stored as are wanted, made and delivered through it.
fn fill(conditions: &Conditions, figures: &mut Figures, lost: &mut u64) -> Result<Gateway, BenchError> {
    let sizes = &conditions.sizes;
    let gateway = Gateway::open(conditions, 1)?;
    let place = ReservedAddresses::reserve(sizes.stored_endpoints)?;
    register(conditions, &gateway, &place)?;
    let sink = Sink::open(place, all_well)?;
    let mut left = sizes.stored.div_ceil(sizes.stored_endpoints.into());
    output::tell(&format!("growth: {left} events for {} endpoints", sizes.stored_endpoints));
    let (others, before, disk_before) = (Others::watch()?, gateway.spent()?, gateway.bytes_on_disk()?);
    let began = clock::now();
    let (mut delivered, mut doubled) = (0, 0);
    while left > 0 {
        sink.clear();
        let events = left.min(ROUND);
        let load = gateway.pour(sizes, FAMILY, events)?;
        let census = census::of(&sink, &load.accepted, sizes.stored_endpoints);
        *lost += census.lost;
        delivered += census.delivered;
        doubled += census.doubled;
        left -= events;
        output::tell(&format!("{delivered} delivered after {} s", began.elapsed().as_secs()));
    }
    let took = began.elapsed().as_secs_f64();
    let spent = gateway.at_rest()?.since(before).all();
    let disk = gateway.bytes_on_disk()?.saturating_sub(disk_before);
    figures.tell("stored deliveries", delivered as f64, "");
    figures.tell("deliveries while it was filled", delivered as f64 / took, "/s");
    figures.tell("processor time a delivery while it was filled", spent.as_secs_f64() * 1e6 / delivered as f64, "µs");
    figures.others(others.percent(spent)?);
    figures.tell("bytes on disk a delivery", disk as f64 / delivered as f64, "");
    figures.deliveries(*lost, doubled);
    Ok(gateway)
}

/// A gateway on a copy of a saved directory. If nothing is saved there, it is filled and saved first.
fn saved(
    conditions: &Conditions,
    directory: &Path,
    figures: &mut Figures,
    lost: &mut u64,
) -> Result<Gateway, BenchError> {
    if conditions.database != Choice::Sqlite {
        return Err("--stored-dir goes with SQLite only".into());
    }
    let note: PathBuf = directory.join("bench.json");
    if !note.exists() {
        let mut gateway = fill(conditions, figures, lost)?;
        gateway.stop()?;
        gateway.save(&directory.join("data"))?;
        let saved = Saved { slug: gateway.slug().to_owned(), deliveries: conditions.sizes.stored };
        fs::write(&note, serde_json::to_vec(&saved)?)?;
    }
    let saved: Saved = serde_json::from_slice(&fs::read(&note)?)?;
    if saved.deliveries != conditions.sizes.stored {
        return Err(format!("{0} has {1} deliveries: say --stored {1}", directory.display(), saved.deliveries).into());
    }
    Gateway::reopen(conditions, &directory.join("data"), &saved.slug)
}
