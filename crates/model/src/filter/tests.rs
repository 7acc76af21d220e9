use super::*;
use crate::event::Event;
use crate::id::{EventId, ProjectId};
use crate::json::Json;
use crate::time::Timestamp;

fn event(data: &str) -> Event {
    let at = Timestamp::from_millis(1_769_851_800_120);
    Event {
        tenant: Some("acme".to_owned()),
        brand: Some(Json::trusted(r#"{"id":"b1"}"#)),
        summary: Some("Paid".to_owned()),
        ..Event::of(
            "e1".parse::<EventId>().unwrap(),
            ProjectId::from_bytes([2; 16]),
            "order.paid".parse().unwrap(),
            Json::trusted(data),
            at,
        )
    }
}

fn ask(source: &str, data: &str) -> Result<bool, String> {
    let filter = Filter::parse(source).unwrap_or_else(|wrong| panic!("{source}: {wrong}"));
    filter.passes(&Subject::of(&event(data)), Effort::Calm)
}

#[track_caller]
fn assert_refused(source: &str, why: &str) {
    let wrong = Filter::parse(source).expect_err(source);
    assert!(wrong.to_string().contains(why), "{source:.100}: {wrong}");
}

const TOO_MUCH: &str = "it is too much work for this event";

/// `count` elements, each made by `element`.
fn list(count: usize, element: impl Fn(usize) -> String) -> String {
    format!("[{}]", (0..count).map(element).collect::<Vec<_>>().join(","))
}

#[test]
fn an_expression_says_yes_or_no_about_an_event() {
    let order =
        r#"{"amount":100,"status":"paid","open":true,"items":[{"sku":"a","price":3},{"sku":"b","price":30.5}]}"#;
    let cases = [
        ("event.data.amount > 50", true),
        ("event.data.amount > 100.5", false),
        ("event.data.amount == 100.0", true),
        ("event.data.open", true),
        ("event.data.status == 'paid' && event.data.amount >= 100", true),
        ("event.data.status in ['open', 'paid']", true),
        ("event.data.items.exists(item, item.price > 30)", true),
        ("event.data.items.all(item, item.price > 30)", false),
        ("event.data.items.exists_one(item, item.sku == 'a')", true),
        ("event.data.items.filter(item, item.price > 5).map(item, item.sku) == ['b']", true),
        ("event.data.items[0].sku + event.data.items[1].sku == 'ab'", true),
        ("event.data.items.size() == 2 && size(event.data.status) == 4", true),
        ("has(event.data.amount) && !has(event.data.discount)", true),
        ("has(event.data.discount) && event.data.discount > 5", false),
        ("event.type.startsWith('order.') && event.type.endsWith('paid') && event.type.contains('r.p')", true),
        ("event.type.matches('^order[.]') && !matches(event.type, 'refunded|paid$ ')", true),
        ("event['type'] == 'order.paid' && event.id == 'e1'", true),
        ("event.timestamp == '2026-01-31T09:30:00.120Z' && event.timestamp > '2026-01-31'", true),
        ("event.tenant == 'acme' && event.brand.id == 'b1' && event.summary == 'Paid'", true),
        ("event.workflow == null && event.workflow != 'x'", true),
        ("type(event.data.amount) == int && string(event.data.amount) == '100'", true),
        ("event.data.amount > 50 ? event.data.open : false", true),
        ("event.data.nothing || true", true),
        ("event.data.nothing > 1 && false", false),
        ("event.exists(member, member == 'data')", true),
        ("[1].exists(event, event == 1)", true),
        ("event.data.status == 'p\\u0061id' // what is paid", true),
    ];
    for (source, answer) in cases {
        assert_eq!(ask(source, order), Ok(answer), "{source}");
    }
}

#[test]
fn numbers_are_compared_by_their_values_and_none_is_cut_off() {
    let cases = [
        ("9223372036854775807", "event.data == 9223372036854775807"),
        ("-9223372036854775808", "event.data < -9223372036854775807"),
        ("9223372036854775808", "event.data > 9223372036854775807"),
        ("18446744073709551615", "event.data == 18446744073709551615u"),
        ("18446744073709551616", "event.data > 18446744073709551615.0 || event.data == 18446744073709551616.0"),
        ("1.0", "event.data == 1"),
        ("1e2", "event.data == 100"),
        ("0.1", "event.data == 0.1"),
    ];
    for (data, source) in cases {
        assert_eq!(ask(source, data), Ok(true), "{source} of {data}");
    }
}

#[test]
fn a_run_that_fails_says_why_and_quotes_nothing_of_the_event() {
    let data = r#"{"a":"geheim","n":9223372036854775807,"low":-9223372036854775808,"l":["geheim"],"big":1e2}"#;
    let cases = [
        ("event.data.x == 1", "there is no `x` in this event"),
        ("event.data.a > 1", "'_>_' applied to '(string, int)'"),
        ("event.data.a + 1 == 'x'", "there is no add of values of the types string and int"),
        ("event.data.n + 1 > 0", "a number grew too large"),
        ("event.data.low / -1 > 0", "a number grew too large"),
        ("-event.data.low > 0", "a number grew too large"),
        ("event.data.n / 0 == 1 || event.data.n % 0 == 1", "a division by zero"),
        ("event.data.l[7] == 1", "no element of that index"),
        ("event.data.l[-1] == 1", "no element of that index"),
        ("event.data.l[0.5] == 1", "a value of type float is no index"),
        ("event.data.l[event.data.l] == 1", "applied to '(list, list)'"),
        ("{event.data.l: 1} == {}", "a value of type list is no key"),
        ("event.data.a.b.c", "applied to '(string, string)'"),
        ("event.data.a", "it came to a value of type string"),
        ("event.data.a.all(c, c == 'g')", "iterable"),
        ("event.data.n.matches('1')", "'matches'"),
        ("int(event.data.a) == 1", "'int'"),
        ("int(double(event.data.n)) == 1", "'int'"),
    ];
    for (source, why) in cases {
        let failure = ask(source, data).expect_err(source);
        assert!(failure.contains(why) && !failure.contains("geheim"), "{source}: {failure}");
        assert!(failure.len() <= LONGEST_FAILURE, "{source}");
    }
    let failure = ask("event.data > 1", "1e400").unwrap_err();
    assert!(failure.contains("event.data cannot be read: number out of range"), "{failure}");
}

#[test]
fn an_expression_that_is_not_right_is_refused_with_the_place_and_what_would_be_right() {
    let cases = [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("event.data.x >> 1", "column 15: near `>`: this has no place here"),
        ("event.id == '1' &&", "column 19: it ends too early"),
        ("event.id == '1' &&\n  event.x", "line 2, column 8: an event has no `x`"),
        ("'é' == 'é' && foo", "column 15: there is no `foo`; there are event.id, event.type"),
        ("event.typ == 'x'", "column 6: an event has no `typ`; it has id, type, timestamp, data"),
        ("event['typ'] == 'x'", "an event has no `typ`"),
        ("has(event.typ)", "an event has no `typ`"),
        ("order.amount > 1", "column 1: there is no `order`"),
        ("[1].all(x, true) && x == 1", "there is no `x`"),
        ("event.data.x.lower() == ''", "there is no function `lower`; there are size, contains"),
        ("now() > 1", "there is no function `now`"),
        ("optional.of(1).hasValue()", "there is no function `hasValue`"),
        ("event.data.?x == 1", "column 11: near `data`: this has no place here"),
        ("event.data.x.all(1)", "`all` is written as in event.data.items.all(item, item.price > 10)"),
        ("contains('a', 'b')", "`contains` is written as in text.contains(\"part\")"),
        ("event.type.size(1) == 1", "`size` is written as in size(value)"),
        ("event.type.matches(event.id)", "the pattern of `matches` is a text in quotes"),
        ("event.type.matches('(')", "`(` is not a regular expression: a bracket may not be closed"),
        ("event.type.matches('((a{100}){100}){100}')", "is too large a regular expression"),
        ("Order{id: 1} == 1", "there is no type `Order`"),
        ("1 + 1", "it does not say yes or no"),
        ("'yes'", "it does not say yes or no"),
        ("event.type", "it does not say yes or no"),
        ("event.data.items.filter(x, x > 1)", "it does not say yes or no"),
        ("99999999999999999999 == 1", "column 1: near `99999999999999999999`: this is no number"),
        ("@meter == 1", "column 1"),
        ("@result", "column 1"),
    ];
    for (source, why) in cases {
        assert_refused(source, why);
    }
    let wrong = Filter::parse("foo == 1 && bar(2) && event.baz").unwrap_err();
    assert_eq!(wrong.mistakes().len(), 3, "all of them at once: {wrong}");
}

/// Each of these overflows the stack of a thread, if it is let through to the parser or to the interpreter.
#[test]
fn what_would_go_too_deep_is_refused_before_it_is_parsed() {
    let brackets = |open: &str, close: &str, times: usize| format!("{}1{}", open.repeat(times), close.repeat(times));
    let cases = [
        ("(".repeat(LONGEST), "brackets"),
        (brackets("(", ")", 100), "levels inside each other"),
        (brackets("[", "]", 100), "levels inside each other"),
        (brackets("{1:", "}", 100), "levels inside each other"),
        (brackets("[1].all(x,", ")", 30), "levels inside each other"),
        // Brackets in texts close nothing: here the parser's own bound holds, and it says where.
        (brackets("[')',", "]", 90), "column"),
        (brackets("true?", ":1", 90), "column"),
        (format!("{}1", "false?1:".repeat(90)), "column"),
        (format!("1{}", "+1".repeat(2000)), "operators, dots and brackets"),
        (format!("1{}", "+1".repeat(390)), "levels deep"),
        (format!("1{}", " in[1]".repeat(300)), "operators, dots and brackets"),
        (format!("1{}", " in 1".repeat(800)), "operators, dots and brackets"),
        (format!("1{}", "\nin 1".repeat(390)), "levels deep"),
        (format!("event{}", ".data".repeat(390)), "levels deep"),
        (format!("event.data{}", "[0]".repeat(390)), "levels deep"),
        (format!("event.data{}", ".map(x,x)".repeat(190)), "levels deep"),
        (format!("{}true", "!".repeat(4000)), "operators, dots and brackets"),
        (format!("{}1", "-".repeat(4000)), "operators, dots and brackets"),
        (format!("true{}", " || true".repeat(512)), "bytes, and may have 4096"),
    ];
    // A quarter of what a thread has: what is refused is refused with room to spare.
    let refusing = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || {
        for (source, why) in cases {
            assert_refused(&source, why);
        }
    });
    refusing.unwrap().join().unwrap();
}

#[test]
fn the_deepest_expressions_and_the_deepest_data_fit_a_small_stack() {
    let sources = [
        format!("{}true{}", "[1].all(x,".repeat(12), ")".repeat(12)),
        format!("{}true{}", "!(".repeat(24), ")".repeat(24)),
        format!("{}1{} != 2", "(".repeat(24), ")".repeat(24)),
        format!("{}1{} != []", "[".repeat(24), "]".repeat(24)),
        format!("1{} != 1", "+1".repeat(36)),
        format!("event.data{} != 1", "[0]".repeat(35)),
        format!("event.data{} != []", ".map(x,x)".repeat(10)),
        "event.data == event.data && event.data in [event.data]".to_owned(),
        format!("true{}", " || true".repeat(500)),
    ];
    let running = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || {
        let data = format!("{}1{}", "[".repeat(126), "]".repeat(126));
        for source in sources {
            assert_eq!(ask(&source, &data), Ok(true), "{source}");
        }
    });
    running.unwrap().join().unwrap();
}

/// None of these ends in a time that matters unless it is cut off: loops in loops are steps to the power of their
/// depth, copies of copies grow to the power of two, and each search goes through the whole text. The meter takes the
/// price of each step before it is made, and all that is taken together is bounded; so a run that comes back at all
/// came back in time, and no clock is needed to see it.
#[test]
fn what_takes_too_much_work_is_cut_off() {
    let numbers = list(5_000, |number| number.to_string());
    let objects = list(2_000, |number| format!(r#"{{"price":{number},"sku":"sku-{number}"}}"#));
    let text = format!("\"{}\"", "a".repeat(1 << 20));
    let eight = "[1,2,3,4,5,6,7,8]";
    let loops =
        format!("{}a+f>0{}", ["a", "b", "c", "d", "e", "f"].map(|x| format!("{eight}.all({x},")).concat(), "))))))");
    let doubled = |by: &str| format!("[event.data]{}.size() == 0", format!(".map(x,{by})").repeat(10));
    let cases: [(&str, String); 14] = [
        (&numbers, "event.data.all(x, event.data.all(y, x + y >= 0))".to_owned()),
        (&numbers, "event.data.all(x, x in event.data)".to_owned()),
        (&numbers, "event.data.exists(x, [x] == event.data.map(y, y))".to_owned()),
        (&numbers, "event.data.exists(x, event.data[0.5] == 1)".to_owned()),
        (&numbers, "event.data.map(x, event.data).size() == 1".to_owned()),
        (&numbers, doubled("[x,x]")),
        (&numbers, doubled("{1:x,2:x}")),
        (&numbers, doubled("x+x+x+x+x+x+x+x")),
        (&objects, "event.data.all(x, event.data.all(y, x.price + y.price >= 0))".to_owned()),
        (
            &objects,
            "event.data.exists(x, event.data.exists(y, x.sku == y.price)) || event.data.exists(x, x.a)".to_owned(),
        ),
        (&text, doubled("x+x")),
        (&text, "[1,2,3,4,5].all(x, event.data.contains('b') || event.data.contains('c'))".to_owned()),
        (&text, "event.data.matches('^(a|aa)+$')".to_owned()),
        ("1", loops),
    ];
    for (data, source) in cases {
        assert_eq!(ask(&source, data), Err(TOO_MUCH.to_owned()), "{source}");
    }
}

#[test]
fn what_an_honest_filter_asks_of_a_large_event_is_not_too_much() {
    let orders = list(100, |number| {
        let items = list(5, |item| format!(r#"{{"sku":"sku-{number}-{item}","price":{item}}}"#));
        format!(r#"{{"id":"order-{number}","email":"customer{number}@example.com","items":{items}}}"#)
    });
    let text = format!("\"{}\"", "a".repeat(256 * 1024));
    let cases = [
        (&orders, "event.data.exists(order, order.id == 'order-99')", true),
        (&orders, "event.data.all(order, order.items.exists(item, item.price >= 4))", true),
        (&orders, "event.data.exists(order, order.email.matches('@example[.]org$'))", false),
        (&orders, "event.data[0].email.matches('^\\\\w+@\\\\w+[.]com$')", true),
        (&text, "event.data.contains('b')", false),
        (&text, "event.data == 'paid'", false),
    ];
    for (data, source, answer) in cases {
        assert_eq!(ask(source, data), Ok(answer), "{source}");
    }
}

#[test]
fn where_everybody_waits_a_filter_may_be_less_work() {
    let filter = Filter::parse("event.data.all(x, x >= 0)").unwrap();
    let (few, many) = (event(&list(50, |x| x.to_string())), event(&list(500, |x| x.to_string())));
    assert_eq!(filter.passes(&Subject::of(&few), Effort::Hurried), Ok(true));
    assert_eq!(filter.passes(&Subject::of(&many), Effort::Hurried), Err(TOO_MUCH.to_owned()));
    assert_eq!(filter.passes(&Subject::of(&many), Effort::Calm), Ok(true));
}

#[test]
fn a_stored_filter_that_is_not_right_any_more_fails_when_it_is_asked() {
    let filter = Filter::stored("event.data.x ==".to_owned());
    assert_eq!(filter.source(), "event.data.x ==");
    let failure = filter.passes(&Subject::of(&event("{}")), Effort::Calm).unwrap_err();
    assert!(failure.starts_with("column 16"), "{failure}");

    let right = Filter::stored("event.data.x == 1".to_owned());
    assert_eq!(right, Filter::parse("event.data.x == 1").unwrap());
    assert_eq!(right.passes(&Subject::of(&event(r#"{"x":1}"#)), Effort::Calm), Ok(true));
}

#[test]
fn many_filters_ask_about_one_subject() {
    let event = event(r#"{"x":1}"#);
    let subject = Subject::of(&event);
    for (source, answer) in [("event.data.x == 1", true), ("event.type == 'x'", false), ("event.data.x != 1", false)] {
        assert_eq!(Filter::parse(source).unwrap().passes(&subject, Effort::Calm), Ok(answer), "{source}");
    }
}
