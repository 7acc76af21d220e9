//! All that a run measured, as Markdown: a table of the loads, one column each, and a list of the scenarios' figures.

use std::fmt::Write as _;

use crate::figure::{Figure, Goal};
use crate::latency::Quantiles;
use crate::report::Report;
use crate::trial::Trial;

/// A row: its title, the bare loop's cell, and how to fill a scenario's.
type Row<'a> = (&'static str, String, Box<dyn Fn(&Trial) -> String + 'a>);

pub(crate) fn markdown(report: &Report) -> String {
    let mut text = heading(report);
    loads(&mut text, report);
    if !report.figures.is_empty() {
        figures(&mut text, &report.figures);
    }
    text
}

fn loads(text: &mut String, report: &Report) {
    let names: Vec<_> = report.trials.iter().map(|trial| trial.name.as_str()).collect();
    line(text, "", "bare signed POST", names.iter().map(|name| (*name).to_owned()));
    line(text, "---", "---:", names.iter().map(|_| "---:".to_owned()));
    for (title, bare, fill) in rows(report) {
        line(text, title, &bare, report.trials.iter().map(fill));
    }
    for trial in &report.trials {
        if let Some(refusal) = &trial.events.first_refusal {
            let _ = writeln!(text, "\n{}: first refusal: {refusal}", trial.name);
        }
    }
}

fn figures(text: &mut String, figures: &[Figure]) {
    text.push_str("\n| scenario | measure | figure | goal | |\n| --- | --- | ---: | ---: | --- |\n");
    for figure in figures {
        let goal = match figure.goal {
            Some(Goal::AtMost(most)) => format!("≤ {}", shown(most)),
            Some(Goal::AtLeast(least)) => format!("≥ {}", shown(least)),
            None => String::new(),
        };
        let verdict = match figure.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        let value = format!("{} {}", shown(figure.value), figure.unit);
        let _ =
            writeln!(text, "| {} | {} | {} | {goal} | {verdict} |", figure.scenario, figure.measure, value.trim_end());
    }
}

fn heading(report: &Report) -> String {
    let (machine, settings) = (&report.machine, &report.settings);
    format!(
        "{}, {}, {} cores ({}), Linux {}, 4 KiB made durable in {:.2} ms. {} s after {} s of warm-up, {} connections, \
         events with {} bytes of data; load, receiver and server share the cores.\n\n",
        machine.date,
        report.database,
        machine.cores,
        machine.processor,
        machine.kernel,
        machine.fsync_ms,
        settings.seconds,
        settings.warm_up_seconds,
        settings.connections,
        grouped(settings.event_bytes.into()),
    )
}

fn line(text: &mut String, title: &str, bare: &str, cells: impl Iterator<Item = String>) {
    let _ = write!(text, "| {title} | {bare} |");
    for cell in cells {
        let _ = write!(text, " {cell} |");
    }
    text.push('\n');
}

fn rows(report: &Report) -> Vec<Row<'_>> {
    let bare = &report.bare;
    vec![
        row("loop", "closed", |trial| match trial.offered_per_second {
            Some(rate) => format!("open, {}/s", grouped(rate.into())),
            None => "closed".to_owned(),
        }),
        row("accepted events/s", "", |trial| whole(trial.accepted_per_second)),
        row("delivered events/s", &whole(bare.requests_per_second), |trial| whole(trial.delivered_per_second)),
        row("server's (bare: client's) processor time an event, µs", &tenths(bare.processor_us_per_request), |trial| {
            tenths(trial.processor_us_per_event)
        }),
        row("a bare signed POST's just before and after, µs", "", |trial| tenths(trial.bare_processor_us)),
        row("÷ that", "1.0", |trial| tenths(trial.times_bare)),
        row("database's processor time an event, µs", "", |trial| {
            trial.database_processor_us_per_event.map(tenths).unwrap_or_default()
        }),
        row("load generator's processor time an event, µs", "", |trial| tenths(trial.load_processor_us_per_event)),
        row("receiver's processor time an event, µs", &tenths(bare.receiver_processor_us_per_request), |trial| {
            tenths(trial.receiver_processor_us_per_event)
        }),
        row("others' share of the cores, %", &tenths(bare.others_percent), |trial| tenths(trial.others_percent)),
        row("POST → 202, ms: p50 / p99", "", |trial| two(&trial.post_to_202)),
        row("accepted → received, ms: p50 / p99 / p99.9", "", |trial| three(&trial.accepted_to_received)),
        row("POST → received, ms: p50 / p99 / p99.9", "", |trial| three(&trial.post_to_received)),
        row("commits held others, ms: p99 / longest", "", |trial| {
            trial.held.map(|held| format!("{:.1} / {:.1}", held.p99_ms, held.longest_ms)).unwrap_or_default()
        }),
        row("server's peak memory (RSS), MB", "", |trial| tenths(trial.peak_rss_bytes as f64 / 1e6)),
        row("bytes on disk an event", "", |trial| whole(trial.disk_bytes_per_event)),
        row("accepted / refused / lost / doubled", "", |trial| {
            let events = &trial.events;
            [events.accepted, events.refused, events.lost, events.doubled].map(grouped).join(" / ")
        }),
    ]
}

fn row<'a>(title: &'static str, bare: &str, fill: impl Fn(&Trial) -> String + 'a) -> Row<'a> {
    (title, bare.to_owned(), Box::new(fill))
}

fn two(latency: &Quantiles) -> String {
    format!("{:.2} / {:.2}", latency.p50_ms, latency.p99_ms)
}

fn three(latency: &Quantiles) -> String {
    format!("{} / {:.2}", two(latency), latency.p999_ms)
}

/// A value with as many digits as say something.
fn shown(value: f64) -> String {
    match value {
        value if value.fract() == 0.0 || value >= 1_000.0 => whole(value),
        value if value >= 10.0 => tenths(value),
        value => format!("{value:.2}"),
    }
}

fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

fn whole(value: f64) -> String {
    grouped(value.round() as u64)
}

/// A number with commas between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_says_whether_its_goal_is_met() {
        let mut all = crate::figure::Figures::of("idle");
        all.aim("share of a core", 0.25, "%", Goal::AtMost(0.2));
        all.tell("peak memory (RSS)", 61.04, "MB");
        let mut text = String::new();
        figures(&mut text, &all.all());
        assert!(text.contains("| idle | share of a core | 0.25 % | ≤ 0.20 | **missed** |\n"), "{text}");
        assert!(text.ends_with("| idle | peak memory (RSS) | 61.0 MB |  |  |\n"), "{text}");
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
