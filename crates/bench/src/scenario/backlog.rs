//! *backlog*: deliveries pile up for endpoints that are down, and then they come up.

use super::outcome::Outcome;
use super::pending::Pile;
use crate::conditions::Conditions;
use crate::figure::{Figures, Goal};
use crate::others::Others;
use crate::sink::{Sink, all_well};
use crate::{BenchError, census, clock, output};

/// A megabyte as the goal counts it.
const MB: f64 = 1e6;

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    output::tell("backlog");
    let pile = Pile::make(conditions)?;
    let deliveries = pile.deliveries();
    let mut figures = Figures::of("backlog");
    figures.tell("pending deliveries", deliveries, "");
    figures.tell("made", deliveries / pile.took.as_secs_f64(), "/s");
    figures.tell("bytes on disk a pending delivery", pile.disk_bytes as f64 / deliveries, "");
    let gateway = &pile.gateway;
    figures.tell("peak memory (RSS) while they pile up", gateway.peak_rss_bytes()? as f64 / MB, "MB");

    let (before, began) = (gateway.spent()?, clock::now());
    clock::wait(conditions.duration());
    let trying = gateway.spent()?.since(before).all();
    figures.tell(
        "a core's share while all are down",
        100.0 * trying.as_secs_f64() / began.elapsed().as_secs_f64(),
        "%",
    );

    output::tell("the endpoints come up");
    let (before, others, up) = (gateway.spent()?, Others::watch()?, clock::now());
    let sink = Sink::open(pile.place, all_well)?;
    let census = census::of(&sink, &pile.events, pile.endpoints);
    let spent = gateway.at_rest()?.since(before).all();
    figures.others(others.percent(spent)?);
    let first = census.first.unwrap_or(up).saturating_duration_since(up);
    let all = census.last.unwrap_or(up).saturating_duration_since(up);
    let rate = census.delivered as f64 / all.as_secs_f64();
    figures.tell("first delivery after they came up", first.as_secs_f64() * 1e3, "ms");
    figures.aim("deliveries when they are up", rate, "/s", Goal::AtLeast(8_000.0));
    figures.tell("processor time a delivery", spent.as_secs_f64() * 1e6 / census.delivered as f64, "µs");
    figures.aim("peak memory (RSS) all the while", gateway.peak_rss_bytes()? as f64 / MB, "MB", Goal::AtMost(200.0));
    figures.deliveries(census.lost, census.doubled);
    Ok(Outcome::of_figures(figures, census.lost))
}
