//! The largest data there can be.

use super::*;

const PAYLOAD: usize = 1024 * 1024;

#[test]
fn the_largest_data_makes_a_card() {
    let members = |member: &dyn Fn(usize) -> String, count: usize| {
        format!("{{{}}}", (0..count).map(member).collect::<Vec<_>>().join(","))
    };
    let cases = [
        format!("\"{}\"", "*".repeat(PAYLOAD)),
        format!("[{}0]", "0,".repeat(PAYLOAD / 2)),
        format!("{{\"{}\":1}}", "k".repeat(PAYLOAD)),
        "7".repeat(PAYLOAD),
        members(&|n| format!("\"{n}\":{n}"), PAYLOAD / 16),
        members(&|n| format!("\"{n}\":{{\"a\":{{\"b\":{n}}}}}"), PAYLOAD / 32),
        members(&|n| format!("\"{n}\":\"{}\"", "🦀<".repeat(2000)), 40),
        format!("{}{}", "{\"a\":".repeat(127), "{}".to_owned() + &"}".repeat(127)),
        format!("{}{}", "[".repeat(128), "]".repeat(128)),
    ];
    for data in cases {
        rules::check(&LOOK, &event("a.b", data));
    }
}

#[test]
fn what_does_not_fit_is_counted() {
    let data: Vec<String> = (0..50).map(|n| format!("\"m{n}\":\"{}\"", "x".repeat(900))).collect();
    let event = event("a.b", format!("{{{}}}", data.join(",")));
    for provider in SERVICES {
        let text = sent(provider, &LOOK, &event).to_string();
        let shown = (0..50).filter(|n| text.contains(&format!("m{n}\"")) || text.contains(&format!("*m{n}*"))).count();
        assert!(text.contains(&format!("and {} more fields", 50 - shown)), "{provider:?} shows {shown}: {text}");
    }
}
