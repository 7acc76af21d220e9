//! No stranger's address is dialled: what may be saved, and what is refused when it comes to connecting.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use testkit::behaviour::Behaviour;
use testkit::receiver::Receiver;

use crate::gateway::{Gateway, list, text};
use crate::place::Place;
use crate::running::Running;

/// What nobody may save on a server that permits nothing special, grouped by why.
const REFUSED: &[(&str, &[&str])] = &[
    ("https only", &["http://example.com/hook", "http://8.8.8.8/", "HTTP://example.com", "http://example.com:443/"]),
    (
        "another scheme",
        &[
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "ws://example.com/",
            "wss://example.com/",
            "data:text/plain,hi",
            "javascript:alert(1)",
            "mailto:a@example.com",
            "unix:/run/docker.sock",
        ],
    ),
    (
        "no URL",
        &[
            "",
            " ",
            "example.com",
            "//example.com/",
            "/hook",
            "https://",
            "https:///",
            "https://?x",
            "https://exa mple.com/",
            "https://example.com:99999/",
            "https://example.com:x/",
            "https://[::1/",
            "https://[1:2:3]/",
            "https://1.2.3.256/",
            "https://1.2.3.4.5/",
            "https://a..b/",
        ],
    ),
    (
        "user info",
        &[
            "https://user:password@example.com/",
            "https://user@example.com/",
            "https://:password@example.com/",
            "https://example.com@127.0.0.1/",
            "https://example.com%40@example.com/",
            "https://127.0.0.1@example.com/",
        ],
    ),
    ("unspecified", &["https://0.0.0.0/", "https://0/", "https://[::]/", "https://[0:0:0:0:0:0:0:0]/"]),
    ("this network", &["https://0.0.0.1/", "https://0.255.255.255/"]),
    ("private 10/8", &["https://10.0.0.0/", "https://10.1.2.3:8443/hook", "https://10.255.255.255/"]),
    ("shared 100.64/10", &["https://100.64.0.0/", "https://100.100.100.200/", "https://100.127.255.255/"]),
    ("loopback", &["https://127.0.0.0/", "https://127.0.0.1/", "https://127.0.0.1:8600/", "https://127.255.255.255/"]),
    (
        "loopback, spelt otherwise",
        &[
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7F.0.0.1/",
            "https://0x7f.1/",
            "https://017700000001/",
            "https://0177.0.0.1/",
            "https://0177.0.0.01/",
            "https://127.1/",
            "https://127.0.1/",
            "https://127.0.0.1./",
            "https://%31%32%37.0.0.1/",
            "https://１２７.0.0.1/",
            "https://127。0。0。1/",
            "https:\\\\127.0.0.1\\",
            "https:/127.0.0.1/",
            "https:127.0.0.1/",
            "\thttps://127.0.0.1/",
            "https://127.0.\n0.1/",
        ],
    ),
    (
        "private, spelt otherwise",
        &["https://167772161/", "https://0xa000001/", "https://012.1/", "https://192.168.257/"],
    ),
    ("link-local", &["https://169.254.0.0/", "https://169.254.1.1/", "https://169.254.255.255/"]),
    (
        "metadata of a cloud",
        &[
            "https://169.254.169.254/latest/meta-data/",
            "https://169.254.170.2/",
            "https://2852039166/",
            "https://0xa9fea9fe/",
            "https://[fd00:ec2::254]/",
            "https://[::ffff:169.254.169.254]/",
            "https://metadata.google.internal/",
            "https://168.63.129.16/",
            "https://192.0.0.192/",
        ],
    ),
    ("private 172.16/12", &["https://172.16.0.0/", "https://172.20.1.1/", "https://172.31.255.255/"]),
    ("protocol assignments", &["https://192.0.0.0/", "https://192.0.0.8/", "https://192.0.0.170/"]),
    ("documentation", &["https://192.0.2.1/", "https://198.51.100.7/", "https://203.0.113.255/"]),
    ("special-purpose", &["https://192.31.196.1/", "https://192.52.193.1/", "https://192.175.48.1/"]),
    ("6to4 relay", &["https://192.88.99.1/"]),
    ("private 192.168/16", &["https://192.168.0.0/", "https://192.168.1.1/", "https://192.168.255.255/"]),
    ("benchmarks", &["https://198.18.0.0/", "https://198.19.255.255/"]),
    ("multicast", &["https://224.0.0.1/", "https://239.255.255.250/", "https://[ff02::1]/", "https://[ff0e::1]/"]),
    ("reserved and broadcast", &["https://240.0.0.1/", "https://255.255.255.254/", "https://255.255.255.255/"]),
    ("loopback of IPv6", &["https://[::1]/", "https://[0:0:0:0:0:0:0:1]:8443/", "https://[0000::0001]/"]),
    (
        "mapped",
        &[
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[::ffff:0:0]/",
        ],
    ),
    ("compatible", &["https://[::127.0.0.1]/", "https://[::10.0.0.1]/", "https://[::7f00:1]/"]),
    ("translated", &["https://[::ffff:0:127.0.0.1]/"]),
    (
        "NAT64",
        &[
            "https://[64:ff9b::127.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[64:ff9b::c0a8:101]/",
            "https://[64:ff9b:1::1]/",
            "https://[64:ff9b:1:ffff::7f00:1]/",
        ],
    ),
    ("6to4", &["https://[2002:7f00:1::]/", "https://[2002:a00:1::1]/", "https://[2002:c0a8:101::1]/"]),
    ("Teredo", &["https://[2001::1]/", "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/"]),
    (
        "assignments of IPv6",
        &[
            "https://[2001:1::1]/",
            "https://[2001:2::1]/",
            "https://[2001:10::1]/",
            "https://[2001:20::1]/",
            "https://[2001:30::1]/",
            "https://[2620:4f:8000::1]/",
            "https://[5f00::1]/",
            "https://[100::1]/",
        ],
    ),
    (
        "documentation of IPv6",
        &["https://[2001:db8::1]/", "https://[2001:db8:ffff::1]/", "https://[3fff::1]/", "https://[3fff:fff:ffff::1]/"],
    ),
    ("unique local", &["https://[fc00::1]/", "https://[fd12:3456:789a::1]/", "https://[fdff:ffff::1]/"]),
    ("link-local of IPv6", &["https://[fe80::1]/", "https://[febf::1]/", "https://[fe80::5efe:10.0.0.1]/"]),
    ("site-local", &["https://[fec0::1]/", "https://[feff::1]/"]),
    (
        "names of this machine and of private networks",
        &[
            "https://localhost/",
            "https://LOCALHOST:8443/",
            "https://LocalHost./",
            "https://a.localhost/",
            "https://db.internal/",
            "https://DB.Internal/",
            "https://printer.local/",
            "https://api.default.svc/",
            "https://router.home.arpa/",
            "https://nas.lan/",
            "https://expyuzz4wqqyqhjn.onion/",
            "https://%6c%6f%63%61%6c%68%6f%73%74/",
            "https://ｌｏｃａｌｈｏｓｔ/",
            "https://metadata.google.internal./",
            "https://api.default.svc.cluster.local/",
        ],
    ),
    ("a trailing dot", &["https://example.com./", "https://hooks.example.com.:8443/x"]),
];

/// What anybody may save.
const ACCEPTED: &[&str] = &[
    "https://example.com",
    "https://example.com/hook?shop=1&x=%20",
    "https://example.com:8443/hook",
    "https://EXAMPLE.com/Hook",
    "https://hooks.slack.com/services/T0/B0/x",
    "https://bücher.example/hook",
    "https://xn--bcher-kva.example/hook",
    "https://a-b.c_d.example.org/",
    // The names of private networks are suffixes, not parts.
    "https://localhost.example.com/",
    "https://internal.example.com/",
    "https://local.example.com/",
    "https://svc.example.com/",
    "https://lan.example.com/",
    "https://notlocal.com/",
    "https://mylan.net/",
    "https://10.0.0.1.example.com/",
    "https://127.0.0.1.nip.io/",
    // The neighbours of what is refused.
    "https://1.0.0.1/",
    "https://1.1.1.1/",
    "https://8.8.8.8:8443/hook",
    "https://9.255.255.255/",
    "https://11.0.0.0/",
    "https://100.63.255.255/",
    "https://100.128.0.0/",
    "https://126.255.255.255/",
    "https://128.0.0.0/",
    "https://169.253.255.255/",
    "https://169.255.0.0/",
    "https://172.15.255.255/",
    "https://172.32.0.0/",
    "https://192.0.1.0/",
    "https://192.0.3.0/",
    "https://192.167.255.255/",
    "https://192.169.0.0/",
    "https://198.17.255.255/",
    "https://198.20.0.0/",
    "https://198.51.99.255/",
    "https://203.0.114.0/",
    "https://223.255.255.255/",
    "https://[2606:4700:4700::1111]/",
    "https://[2001:4860:4860::8888]:8443/hook",
    "https://[2001:200::1]/",
    "https://[2001:db9::1]/",
    "https://[2003::1]/",
];

async fn strict() -> Gateway {
    Gateway::new().configured(|config| config.network.policy = Default::default()).start().await
}

/// Complains unless `problem` is the refusal of an endpoint's URL, told in words.
fn is_refusal(status: u16, problem: &Value) -> bool {
    let fault = &problem["errors"][0];
    let told = fault["message"].as_str().is_some_and(|message| message.contains(' '));
    status == 422 && problem["code"] == "url_not_allowed" && fault["pointer"] == "/url" && told
}

#[tokio::test]
async fn urls_that_lead_nowhere_public_are_refused_and_nothing_is_stored() {
    let count: usize = REFUSED.iter().map(|(_, urls)| urls.len()).sum();
    assert!(count >= 120, "{count} are few");
    let gateway = strict().await;
    let project = gateway.project("acme").await;
    let mut mistakes = Vec::new();
    for (why, urls) in REFUSED {
        for url in *urls {
            let answer = project.http.post("/v1/endpoints", &json!({ "url": url })).await;
            if !is_refusal(answer.status, &answer.json()) {
                mistakes.push(format!("{url:?} ({why}): {} {}", answer.status, answer.text()));
            }
        }
    }
    assert!(mistakes.is_empty(), "{} of {count}:\n{}", mistakes.len(), mistakes.join("\n"));
    assert!(project.list("/v1/endpoints").await.is_empty());
}

#[tokio::test]
async fn public_urls_are_accepted() {
    let gateway = strict().await;
    let project = gateway.project("acme").await;
    for url in ACCEPTED {
        let answer = project.http.post("/v1/endpoints", &json!({ "url": url })).await;
        assert_eq!(answer.status, 201, "{url}: {}", answer.text());
    }
    assert_eq!(project.list("/v1/endpoints?limit=250").await.len(), ACCEPTED.len());
}

#[tokio::test]
async fn a_url_has_at_most_2048_characters() {
    let gateway = strict().await;
    let project = gateway.project("acme").await;
    let longest = format!("https://example.com/{}", "a".repeat(2048 - 20));
    project.register(json!({ "url": longest })).await;
    let answer = project.http.post("/v1/endpoints", &json!({ "url": format!("{longest}a") })).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/url");
}

#[tokio::test]
async fn changing_a_url_is_judged_as_saving_it_is() {
    let gateway = strict().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": "https://example.com/" })).await;
    let path = format!("/v1/endpoints/{}", text(&endpoint["id"]));
    for url in ["http://example.com/", "https://127.0.0.1/", "https://db.internal/", "https://a:b@example.com/"] {
        let answer = project.http.patch(&path, &json!({ "url": url })).await;
        assert!(is_refusal(answer.status, &answer.json()), "{url}: {}", answer.text());
    }
    assert_eq!(project.show(&endpoint).await["url"], "https://example.com/");
}

#[tokio::test]
async fn allow_network_opens_exactly_what_it_names() {
    let open = ["10.1.0.0/16", "127.0.0.2/32", "fd00:1::/32"];
    let gateway = Gateway::new()
        .configured(move |config| {
            config.network.policy.allow_http = false;
            config.network.policy.allowed = open.map(|network| network.parse().expect("a network")).to_vec();
        })
        .start()
        .await;
    let project = gateway.project("acme").await;
    let opened = ["https://10.1.0.0/", "https://10.1.255.255/", "https://127.0.0.2/", "https://[fd00:1:ffff::1]/"];
    for url in opened.into_iter().chain(["https://example.com/", "https://8.8.8.8/"]) {
        project.register(json!({ "url": url })).await;
    }
    let closed = [
        "https://10.0.255.255/",
        "https://10.2.0.0/",
        "https://127.0.0.1/",
        "https://127.0.0.3/",
        "https://192.168.0.1/",
        "https://169.254.169.254/",
        "https://[fd00:2::1]/",
        "https://[::1]/",
        "https://user@10.1.0.1/",
        "http://10.1.0.1/",
        "ftp://10.1.0.1/",
    ];
    for url in closed {
        let answer = project.http.post("/v1/endpoints", &json!({ "url": url })).await;
        assert!(is_refusal(answer.status, &answer.json()), "{url}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_flag_of_the_program_opens_what_it_names() {
    let place = Place::fresh().await;
    // Besides 127.0.0.0/8 and http, which every program of these tests may use.
    let server = Running::start(&place, &["--allow-network", "10.1.0.0/16"]).await;
    for (url, status) in [("http://10.1.2.3/", 201), ("http://127.1.2.3/", 201), ("http://10.2.0.1/", 422)] {
        let answer = server.http.post("/v1/endpoints", &json!({ "url": url })).await;
        assert_eq!(answer.status, status, "{url}: {}", answer.text());
    }
}

/// `localhost` has an address in each family; a receiver listens at one of them.
#[tokio::test]
async fn localhost_is_reached_with_the_flags_of_the_readme() {
    let place = Place::fresh().await;
    let receiver = Receiver::healthy().start().await;
    let server = Running::start(&place, &[]).await;
    let endpoint = server.register(json!({ "url": receiver.url().replace("127.0.0.1", "localhost") })).await;
    let path = format!("/v1/endpoints/{}/test", text(&endpoint["id"]));
    let tested = server.http.send(hyper::Method::POST, &path, hyper::body::Bytes::new()).await.expect(200);
    assert_eq!(tested["delivery"]["status"], "delivered", "{tested:#}");
    assert_eq!(receiver.count(), 1);
}

/// Sends an event to `url`, waits for its attempt, and answers the attempt's error.
async fn error_of_an_attempt(gateway: &Gateway, url: &str) -> Value {
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": url })).await;
    project.send("invoice.paid", json!({})).await;
    gateway.at_rest().await;
    let delivery = project.only_delivery().await;
    assert_eq!(delivery["status"], "pending", "it is tried again, for the name may change: {delivery:#}");
    assert_eq!(project.show(&endpoint).await["failure_count"], 1);
    delivery["attempts"][0]["error"].clone()
}

fn gateway_that_allows(network: &str) -> crate::gateway::Builder {
    let allowed = vec![network.parse().expect("a network")];
    Gateway::new().configured(|config| config.network.policy.allowed = allowed)
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[tokio::test]
async fn a_name_whose_second_answer_is_this_machine_is_never_connected_to() {
    let receiver = Receiver::healthy().start().await;
    for answers in [["93.184.215.14", "127.0.0.1"], ["127.0.0.1", "93.184.215.14"]] {
        let answers = answers.map(address).to_vec();
        let gateway = Gateway::new()
            .configured(|config| config.network.policy.allowed = Vec::new())
            .resolving(move |_| answers.clone())
            .start()
            .await;
        let error = error_of_an_attempt(&gateway, &receiver.url_as("two-faced.example")).await;
        assert_eq!(error["kind"], "blocked", "{error}");
        let message = text(&error["message"]);
        assert!(message.contains("127.0.0.1") && message.contains("two-faced.example"), "{message}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn whatever_a_name_is_wrapped_in_is_judged_when_it_resolves() {
    let receiver = Receiver::healthy().start().await;
    let wrapped = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "169.254.169.254", "10.0.0.1", "::"];
    for answer in wrapped {
        let gateway = Gateway::new()
            .configured(|config| config.network.policy.allowed = Vec::new())
            .resolving(move |_| vec![address(answer)])
            .start()
            .await;
        let error = error_of_an_attempt(&gateway, &receiver.url_as("wrapped.example")).await;
        assert_eq!(error["kind"], "blocked", "{answer}: {error}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_was_public_and_turns_private_is_never_connected_to() {
    // 127.0.0.2 stands for a public address: it is allowed, and nobody listens there. The receiver does on 127.0.0.1.
    let receiver = Receiver::healthy().start().await;
    let asked = AtomicUsize::new(0);
    let rebinding = move |_: &str| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => vec![address("127.0.0.2")],
        _ => vec![address("127.0.0.1")],
    };
    let gateway = gateway_that_allows("127.0.0.2/32").resolving(rebinding).retry(["1s"]).start().await;
    let error = error_of_an_attempt(&gateway, &receiver.url_as("rebinding.example")).await;
    assert_eq!(error["kind"], "connect", "what was checked is what is dialled: {error}");

    gateway.advance("5s").await;
    let deliveries = list(&gateway.admin().header("posthaste-project", "acme"), "/v1/deliveries").await;
    let path = format!("/v1/deliveries/{}", text(&deliveries[0]["id"]));
    let delivery = gateway.admin().header("posthaste-project", "acme").get(&path).await.expect(200);
    assert_eq!(delivery["attempts"][1]["error"]["kind"], "blocked", "{delivery:#}");
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_not_followed() {
    // It would even be allowed to be sent to.
    let private = Receiver::healthy().start().await;
    for target in [private.url().to_owned(), "http://169.254.169.254/latest/meta-data/".to_owned()] {
        let receiver = Receiver::behaving(vec![Behaviour::RedirectTo(target)]).start().await;
        let gateway = Gateway::new().start().await;
        let error = error_of_an_attempt(&gateway, receiver.url()).await;
        assert_eq!(error["kind"], "status", "{error}");
    }
    assert_eq!(private.connections(), 0);
}

#[tokio::test]
async fn what_was_saved_under_a_loose_policy_is_judged_again_at_every_connect() {
    let receiver = Receiver::healthy().start().await;
    let place = Place::fresh().await;
    let loose = Running::start(&place, &[]).await;
    loose.register(json!({ "url": receiver.url() })).await;
    loose.process.signal("TERM").await;
    let mut process = loose.process;
    process.ended().await;

    let strict = Running::start_strict(&place).await;
    let tested = strict.http.post("/v1/events", &json!({ "type": "a", "data": {} })).await.expect(202);
    assert_eq!(tested["deliveries"], 1);
    let endpoints = list(&strict.http, "/v1/endpoints").await;
    let path = format!("/v1/endpoints/{}/test", text(&endpoints[0]["id"]));
    let tested = strict.http.post(&path, &json!({})).await.expect(200);
    assert_eq!(tested["delivery"]["attempts"][0]["error"]["kind"], "blocked", "{tested:#}");
    assert_eq!(receiver.connections(), 0);
}
