//! *restart*: a server with a backlog is killed and started again, and the endpoints are up.

use super::outcome::Outcome;
use super::pending::Pile;
use crate::conditions::Conditions;
use crate::figure::{Figures, Goal};
use crate::others::Others;
use crate::sink::{Sink, all_well};
use crate::{BenchError, census, clock, control, output};

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    output::tell("restart");
    let Pile { mut gateway, place, events, endpoints, .. } = Pile::make(conditions)?;
    gateway.kill()?;
    let sink = Sink::open(place, all_well)?;
    output::tell("killed; it starts again");
    let (before, others, began) = (gateway.spent()?, Others::watch()?, clock::now());
    gateway.start_nodes(1)?;
    let listening = began.elapsed();
    control::wait_until_ready(gateway.address())?;
    let ready = began.elapsed();

    let census = census::of(&sink, &events, endpoints);
    let others = others.percent(gateway.at_rest()?.since(before).all())?;
    let first = census.first.unwrap_or(began).saturating_duration_since(began);
    let all = census.last.unwrap_or(began).saturating_duration_since(began);
    let mut figures = Figures::of("restart");
    figures.tell("pending deliveries", events.len() as f64 * f64::from(endpoints), "");
    figures.tell("start → listening", listening.as_secs_f64(), "s");
    figures.aim("start → ready", ready.as_secs_f64(), "s", Goal::AtMost(2.0));
    figures.aim("start → first delivery", first.as_secs_f64(), "s", Goal::AtMost(3.0));
    figures.tell("deliveries from the start on", census.delivered as f64 / all.as_secs_f64(), "/s");
    figures.others(others);
    figures.tell("peak memory (RSS)", gateway.peak_rss_bytes()? as f64 / 1e6, "MB");
    figures.deliveries(census.lost, census.doubled);
    Ok(Outcome::of_figures(figures, census.lost))
}
