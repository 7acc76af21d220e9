//! Tables of URLs as people type them, honest or not, and the results.

use super::*;

/// By https and http, to public hosts only.
fn public() -> Policy {
    Policy { allow_http: true, allowed: Vec::new() }
}

/// Kind of a refusal; for addresses, the purpose of their range.
fn reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::TooLong => "too long",
        Refusal::Blank => "blank",
        Refusal::Backslash => "backslash",
        Refusal::Relative => "relative",
        Refusal::Malformed(_) => "malformed",
        Refusal::Scheme { .. } => "scheme",
        Refusal::Http => "http",
        Refusal::NoHost => "no host",
        Refusal::User => "user",
        Refusal::PortZero => "port 0",
        Refusal::Network(refusal) => match refusal {
            network::Refusal::Special { range, .. } => range.meaning,
            network::Refusal::Wrapped { .. } => "wrapped",
            network::Refusal::Metadata { .. } => "metadata",
            network::Refusal::MetadataName { .. } => "metadata name",
            network::Refusal::Localhost { .. } => "localhost",
            network::Refusal::PrivateName { .. } => "private name",
            network::Refusal::SingleLabel { .. } => "single label",
            network::Refusal::Onion { .. } => "onion",
            network::Refusal::TrailingDot { .. } => "trailing dot",
            network::Refusal::NotAName { .. } => "not a name",
        },
    }
}

const REFUSED: &[(&str, &[&str])] = &[
    (
        "the unspecified address",
        &["http://0.0.0.0/", "http://0/", "http://0x0/", "http://[::]/", "http://[0:0::0]:80/"],
    ),
    ("an address of \"this network\"", &["http://0.0.0.1/", "http://0.255.255.255/", "http://1/", "http://00.1/"]),
    ("a private address", &["http://10.0.0.0/", "http://10.255.255.255/", "http://012.0.0.1/", "http://167772161/"]),
    ("a private address", &["http://172.16.0.0/", "http://172.31.255.255/", "http://0xac100001/"]),
    (
        "a private address",
        &["http://192.168.0.0/", "http://192.168.255.255/", "http://192.168.257/", "http://192.11010304/"],
    ),
    ("a shared address behind a carrier's NAT", &["http://100.64.0.0/", "http://100.127.255.255/"]),
    (
        "a loopback address",
        &["http://127.0.0.0/", "http://127.0.0.1/", "https://127.0.0.1:8443/hook?x=1", "http://127.255.255.255/"],
    ),
    (
        "a loopback address",
        &["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://0x7f000001/"],
    ),
    (
        "a loopback address",
        &["http://017700000001/", "http://127.0.1/", "http://0X7F.0x0.0X0.0x1/", "http://00000177.1/"],
    ),
    ("a loopback address", &["http://127.0.0.1./", "http://127.1.:80/", "http://2130706433./"]),
    ("a loopback address", &["http://%31%32%37.0.0.1/", "http://%31%32%37%2e%30%2e%30%2e%31/", "http://127%2E1/"]),
    // Full-width digits, ideographic, full-width and half-width full stops, circled and bold digits.
    (
        "a loopback address",
        &["http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/", "http://127。0。0。1/", "http://127\u{ff0e}0\u{ff61}0.1/"],
    ),
    ("a loopback address", &["http://①②⑦.⓪.⓪.①/", "http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/", "http://127.0.0.\u{ff11}/"]),
    // A soft hyphen and a zero-width space, which IDNA takes out; a percent-encoded full-width digit.
    (
        "a loopback address",
        &["http://127.0\u{ad}.0.1/", "http://12\u{200b}7.0.0.1/", "http://%EF%BC%91%EF%BC%92%EF%BC%97.1/"],
    ),
    (
        "a loopback address",
        &["http://[::1]/", "http://[0:0:0:0:0:0:0:1]/", "http://[0000::0001]:443/", "http://[::0.0.0.1]/"],
    ),
    (
        "a loopback address",
        &["https://127.0.0.1#@good.com", "https://127.0.0.1?@good.com", "https://127.0.0.1/@good.com"],
    ),
    ("a loopback address", &["HTTP://127.0.0.1/", "hTTps://127.0.0.1"]),
    (
        "a link-local address",
        &["http://169.254.0.0/", "http://169.254.255.255/", "http://169.254.169.253/", "http://[fe80::]/"],
    ),
    ("a link-local address", &["http://[fe80::1]/", "http://[febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff]/"]),
    ("an address reserved for protocols of the IETF", &["http://192.0.0.0/", "http://192.0.0.8/", "http://192.0.0.9/"]),
    (
        "an address reserved for protocols of the IETF",
        &["http://192.0.0.170/", "http://192.0.0.255/", "http://[2001:1::1]/"],
    ),
    (
        "an address reserved for protocols of the IETF",
        &["http://[2001:1::3]/", "http://[2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff]/"],
    ),
    (
        "an address for documentation",
        &["http://192.0.2.0/", "http://192.0.2.255/", "http://198.51.100.0/", "http://198.51.100.255/"],
    ),
    ("an address for documentation", &["http://203.0.113.0/", "http://203.0.113.255/", "http://[2001:db8::]/"]),
    ("an address for documentation", &["http://[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]/", "http://[2001:DB8::1]/"]),
    ("an address for documentation", &["http://[3fff::]/", "http://[3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff]/"]),
    (
        "an AS112 address, a sink of stray DNS queries",
        &["http://192.31.196.0/", "http://192.31.196.255/", "http://192.175.48.0/"],
    ),
    (
        "an AS112 address, a sink of stray DNS queries",
        &["http://192.175.48.255/", "http://[2001:4:112::]/", "http://[2620:4f:8000::]/"],
    ),
    ("an AS112 address, a sink of stray DNS queries", &["http://[2620:4f:8000:ffff:ffff:ffff:ffff:ffff]/"]),
    ("an AMT address of multicast relays", &["http://192.52.193.0/", "http://192.52.193.255/", "http://[2001:3::]/"]),
    (
        "an address of the withdrawn 6to4 relays",
        &["http://192.88.99.0/", "http://192.88.99.2/", "http://192.88.99.255/"],
    ),
    (
        "an address for benchmarks",
        &["http://198.18.0.0/", "http://198.19.255.255/", "http://[2001:2::]/", "http://[2001:2:0:ffff::1]/"],
    ),
    ("a multicast address", &["http://224.0.0.0/", "http://239.255.255.255/", "http://[ff00::]/", "http://[ff02::1]/"]),
    ("a multicast address", &["http://[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]/"]),
    ("a reserved address", &["http://240.0.0.0/", "http://255.255.255.254/", "http://0xf0000000/"]),
    (
        "the broadcast address",
        &["http://255.255.255.255/", "http://4294967295/", "http://0xffffffff/", "http://037777777777/"],
    ),
    ("an IPv4-mapped address", &["http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::FFFF:10.0.0.1]/"]),
    (
        "an IPv4-mapped address",
        &["http://[0:0:0:0:0:ffff:7f00:0001]/", "http://[::ffff:8.8.8.8]/", "http://[::ffff:0:0]/"],
    ),
    (
        "an IPv4-compatible address",
        &["http://[::127.0.0.1]/", "http://[::7f00:1]/", "http://[::8.8.8.8]/", "http://[::2]/"],
    ),
    (
        "wrapped",
        &[
            "http://[64:ff9b::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[64:ff9b::]/",
        ],
    ),
    ("wrapped", &["http://[64:ff9b::ffff:ffff]/", "http://[0064:FF9B:0:0:0:0:c0a8:0101]/"]),
    (
        "a local NAT64 address",
        &["http://[64:ff9b:1::8.8.8.8]/", "http://[64:ff9b:1::]/", "http://[64:ff9b:1:ffff:ffff:ffff:7f00:1]/"],
    ),
    ("a discard-only address", &["http://[100::]/", "http://[100::ffff:ffff:ffff:ffff]/"]),
    ("a dummy address", &["http://[100:0:0:1::]/", "http://[100:0:0:1:ffff:ffff:ffff:ffff]/"]),
    ("a Teredo address", &["http://[2001::]/", "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", "http://[2001::1]/"]),
    ("a Teredo address", &["http://[2001:0:ffff:ffff:ffff:ffff:ffff:ffff]/"]),
    (
        "an ORCHID, a hash in the form of an address",
        &["http://[2001:10::]/", "http://[2001:1f:ffff::]/", "http://[2001:20::]/"],
    ),
    ("an ORCHID, a hash in the form of an address", &["http://[2001:2f:ffff:ffff:ffff:ffff:ffff:ffff]/"]),
    ("a drone's identity in the form of an address", &["http://[2001:30::]/", "http://[2001:3f:ffff::]/"]),
    (
        "a 6to4 address",
        &["http://[2002::]/", "http://[2002:7f00:1::]/", "http://[2002:808:808::1]/", "http://[2002:ffff::]/"],
    ),
    ("an SRv6 segment in the form of an address", &["http://[5f00::]/", "http://[5f00:ffff::1]/"]),
    (
        "a unique local address",
        &["http://[fc00::]/", "http://[fd12:3456::1]/", "http://[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]/"],
    ),
    ("a site-local address", &["http://[fec0::]/", "http://[feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]/"]),
    ("not a global unicast address", &["http://[::ffff:0:127.0.0.1]/", "http://[::1:0:0]/", "http://[64:ff9b:2::1]/"]),
    (
        "not a global unicast address",
        &["http://[64:ff9b::1:0:0]/", "http://[100:0:0:2::]/", "http://[200::]/", "http://[4000::]/"],
    ),
    (
        "not a global unicast address",
        &["http://[1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]/", "http://[5eff::]/", "http://[5f01::]/"],
    ),
    (
        "not a global unicast address",
        &["http://[8000::]/", "http://[fbff::]/", "http://[fe00::]/", "http://[fe7f::1]/"],
    ),
    (
        "metadata",
        &[
            "http://169.254.169.254/latest/meta-data/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://169.254.43518/",
        ],
    ),
    (
        "metadata",
        &["http://0251.0376.0251.0376/", "http://169.254.170.2/", "http://168.63.129.16/", "http://100.100.100.200/"],
    ),
    (
        "metadata",
        &["http://192.0.0.192/", "http://[fd00:ec2::254]/", "http://[fd20:ce::254]/", "http://[fe80::a9fe:a9fe]/"],
    ),
    ("metadata", &["http://[::ffff:169.254.169.254]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::a9fe:a9fe]/"]),
    (
        "metadata",
        &[
            "http://[2002:a9fe:a9fe::1]/",
            "http://[::a9fe:a9fe]/",
            "http://[64:ff9b::168.63.129.16]/",
            "http://169.254.169.254./",
        ],
    ),
    (
        "metadata name",
        &[
            "http://metadata.google.internal/computeMetadata/v1/",
            "http://METADATA.google.internal./",
            "http://metadata/",
        ],
    ),
    (
        "localhost",
        &[
            "http://localhost/",
            "http://LOCALHOST:3000/",
            "http://localhost./",
            "http://app.localhost/",
            "http://ⓛocalhost/",
        ],
    ),
    (
        "localhost",
        &[
            "http://loc%61lhost/",
            "http://localhost%2e/",
            "http://local\u{ad}host/",
            "http://LocalHost/",
            "http://a.localhost。/",
        ],
    ),
    (
        "private name",
        &["https://crm.internal/", "https://printer.local/", "https://web.default.svc/", "https://nas.home.arpa/"],
    ),
    (
        "private name",
        &["https://web.default.svc.cluster.local/", "https://NAS.LAN/", "https://wiki.intranet/", "https://ad.corp./"],
    ),
    ("private name", &["https://fritz.home/", "https://localhost.localdomain/", "https://internal/"]),
    ("onion", &["http://expyuzz4wqqyqhjn.onion/"]),
    ("single label", &["https://intranet-wiki/", "https://crm:8080/hook", "https://com/", "https://a/"]),
    ("trailing dot", &["https://example.com./", "https://example.com.:443/hook", "https://example%E3%80%82com./"]),
    (
        "not a name",
        &["https://a..example.com/", "https://.example.com/", "https://exa\"mple.com/", "https://exa}mple.com/"],
    ),
    (
        "user",
        &[
            "https://good.com@127.0.0.1/",
            "https://user:pass@example.com/",
            "https://user@example.com/",
            "https://:pass@example.com/",
        ],
    ),
    (
        "user",
        &[
            "https://@example.com/",
            "https://:@example.com/",
            "https://a@b@example.com/",
            "https://good.com:443@evil.com/",
        ],
    ),
    ("user", &["https://good.com%2f@evil.com/", "https://127.0.0.1@good.com/"]),
    (
        "backslash",
        &[
            "https://good.com\\@evil.com/",
            "https:\\\\example.com/",
            "https://example.com/a\\b",
            "https://evil.com\\.good.com/",
        ],
    ),
    (
        "blank",
        &[
            " https://example.com/",
            "https://example.com/ ",
            "https://example.com/a b",
            "https://exa mple.com/",
            "\u{feff} ",
        ],
    ),
    (
        "blank",
        &[
            "https://exam\tple.com/",
            "https://127.0.0\n.1/",
            "ht\ntps://example.com/",
            "https://example.com/\r\nHost: evil",
            " ",
        ],
    ),
    (
        "blank",
        &[
            "https://example.com/\0",
            "\u{1}https://example.com/",
            "https://example.com/\u{7f}",
            "https://example.com/\u{85}",
        ],
    ),
    (
        "blank",
        &[
            "https://example.com/\u{a0}",
            "https://example.com/\u{2028}",
            "https://example.com/\u{3000}",
            "java\nscript:alert(1)",
        ],
    ),
    (
        "relative",
        &[
            "",
            "example.com",
            "example.com/hook",
            "//example.com/hook",
            "/hook",
            "hook",
            "?x=1",
            "#",
            "127.0.0.1",
            "[::1]",
        ],
    ),
    (
        "scheme",
        &[
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://127.0.0.1:6379/_",
            "javascript:alert(1)",
            "data:text/plain,x",
        ],
    ),
    (
        "scheme",
        &[
            "unix:/var/run/docker.sock",
            "ws://example.com/",
            "wss://example.com/",
            "ldap://example.com/",
            "dict://example.com:11211/",
        ],
    ),
    (
        "scheme",
        &[
            "mailto:a@example.com",
            "localhost:3000",
            "example.com:443/hook",
            "blob:https://example.com/x",
            "about:blank",
        ],
    ),
    ("scheme", &["httpss://example.com/", "http+unix://%2Fvar%2Frun/", "view-source:https://example.com/"]),
    (
        "no host",
        &[
            "https://",
            "https:///",
            "https:///path",
            "https:example.com",
            "https:/example.com/",
            "http:127.0.0.1",
            "https:",
        ],
    ),
    (
        "no host",
        &[
            "https:////example.com/",
            "https://:443/",
            "https://?x",
            "https://#x",
            "http://:@/",
            "https://::1/",
            "https://\u{ad}/",
        ],
    ),
    ("port 0", &["https://example.com:0/", "https://8.8.8.8:0/", "http://example.com:00000/"]),
    (
        "malformed",
        &[
            "https://example.com:65536/",
            "https://example.com:-1/",
            "https://example.com:80a/",
            "https://example.com:x/",
        ],
    ),
    (
        "malformed",
        &["https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[::1", "https://[]/", "https://[1.2.3.4]/"],
    ),
    (
        "malformed",
        &[
            "https://256.256.256.256/",
            "https://1.2.3.4.5/",
            "https://0x100000000/",
            "https://4294967296/",
            "https://1.2.3.09/",
        ],
    ),
    (
        "malformed",
        &[
            "https://foo.0x7f/",
            "https://example.1/",
            "https://exa<mple.com/",
            "https://exa|mple.com/",
            "https://%00.com/",
        ],
    ),
    (
        "malformed",
        &[
            "https://exam%20ple.com/",
            "https://good.com%40evil.com/",
            "https://good.com%2fevil.com/",
            "https://good.com%5cevil.com/",
        ],
    ),
    ("malformed", &["https://%zz.com/", "https://xn--.com/", "https://xn--a.com/", "https://*^.com/"]),
];

/// Typed URLs, and the form in which they are kept.
const ALLOWED: &[(&str, &str)] = &[
    ("https://example.com", "https://example.com/"),
    ("https://example.com/", "https://example.com/"),
    ("HTTPS://EXAMPLE.COM/Hook", "https://example.com/Hook"),
    ("https://example.com:443/hook", "https://example.com/hook"),
    ("http://example.com:80/hook", "http://example.com/hook"),
    ("https://example.com:80/hook", "https://example.com:80/hook"),
    ("https://example.com:8443/hook?token=a%20b&x=%2F", "https://example.com:8443/hook?token=a%20b&x=%2F"),
    ("https://example.com:65535/", "https://example.com:65535/"),
    ("https://example.com?x=1", "https://example.com/?x=1"),
    ("https://example.com/#part", "https://example.com/"),
    ("https://good.com#@127.0.0.1/", "https://good.com/"),
    ("https://good.com/@127.0.0.1", "https://good.com/@127.0.0.1"),
    ("https://good.com/?u=http://user@127.0.0.1/", "https://good.com/?u=http://user@127.0.0.1/"),
    ("https://example.com/a/../b/./c", "https://example.com/b/c"),
    ("https://example.com/%2e%2e/b", "https://example.com/b"),
    ("https://example.com//a//b", "https://example.com//a//b"),
    ("https://example.com/%0d%0aHost:%20evil", "https://example.com/%0d%0aHost:%20evil"),
    ("https://example.com/bücher?q=ü", "https://example.com/b%C3%BCcher?q=%C3%BC"),
    ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
    ("https://BÜCHER。example/", "https://xn--bcher-kva.example/"),
    ("https://ex%61mple.com/", "https://example.com/"),
    ("https://hook_s.example.com/", "https://hook_s.example.com/"),
    ("https://hooks.slack.com/services/T0/B0/x", "https://hooks.slack.com/services/T0/B0/x"),
    // Names are not resolved here. Their addresses are judged at every connect.
    ("https://127.0.0.1.nip.io/", "https://127.0.0.1.nip.io/"),
    ("https://localtest.me/", "https://localtest.me/"),
    ("https://8.8.8.8/", "https://8.8.8.8/"),
    ("https://1.1.1.1:8443/", "https://1.1.1.1:8443/"),
    ("http://0x08080808/", "http://8.8.8.8/"),
    ("http://010.8.8.8/", "http://8.8.8.8/"),
    ("http://134744072/", "http://8.8.8.8/"),
    ("https://[2606:4700:0::1111]/hook", "https://[2606:4700::1111]/hook"),
    ("https://[2001:4860:4860::8888]:8443/", "https://[2001:4860:4860::8888]:8443/"),
    ("https://[64:ff9b::8.8.8.8]/", "https://[64:ff9b::808:808]/"),
];

/// The neighbours of every refused range that are public.
const JUST_OUTSIDE: &[&str] = &[
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.1.255",
    "192.0.3.0",
    "192.31.195.255",
    "192.31.197.0",
    "192.52.192.255",
    "192.52.194.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "192.175.47.255",
    "192.175.49.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "[2000::]",
    "[2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
    "[2001:200::]",
    "[2001:db7:ffff:ffff:ffff:ffff:ffff:ffff]",
    "[2001:db9::]",
    "[2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
    "[2003::]",
    "[2620:4f:7fff:ffff:ffff:ffff:ffff:ffff]",
    "[2620:4f:8001::]",
    "[3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
    "[3fff:1000::]",
    "[3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
    "[64:ff9b::100:0]",
    "[64:ff9b::dfff:ffff]",
];

#[test]
fn what_does_not_lead_to_a_public_host_is_refused_with_its_reason() {
    let mut wrong = Vec::new();
    for (expected, urls) in REFUSED {
        for url in *urls {
            let verdict = EndpointUrl::parse(url, &public());
            let found = verdict.as_ref().err().map_or("taken", reason);
            if found != *expected {
                wrong.push(format!("{url:?} is {found}, not {expected}: {verdict:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_leads_to_a_public_host_is_taken_and_normalised() {
    for (typed, kept) in ALLOWED {
        let taken = EndpointUrl::parse(typed, &public()).unwrap_or_else(|refusal| panic!("{typed}: {refusal}"));
        assert_eq!(taken.as_str(), *kept);
    }
}

#[test]
fn the_public_neighbours_of_refused_ranges_are_taken() {
    for address in JUST_OUTSIDE {
        let url = format!("https://{address}/");
        EndpointUrl::parse(&url, &public()).unwrap_or_else(|refusal| panic!("{refusal}"));
    }
}

#[test]
fn plain_http_needs_the_operators_leave() {
    let strict = Policy::default();
    for url in ["http://example.com/", "HTTP://example.com/", "http://127.0.0.1/"] {
        assert_eq!(EndpointUrl::parse(url, &strict), Err(Refusal::Http), "{url}");
    }
    assert!(EndpointUrl::parse("https://example.com/", &strict).is_ok());
    assert!(EndpointUrl::parse("http://example.com/", &public()).is_ok());
}

#[test]
fn an_opened_network_can_be_typed_in_every_spelling() {
    let policy = Policy { allow_http: true, allowed: vec!["127.0.0.0/8".parse().unwrap()] };
    for url in [
        "http://127.0.0.1:3000/hook",
        "http://localhost:3000/",
        "http://127.1/",
        "http://[::ffff:7f00:1]/",
        "http://[::1]/",
    ] {
        EndpointUrl::parse(url, &policy).unwrap_or_else(|refusal| panic!("{refusal}"));
    }
    for url in
        ["http://[::2]/", "http://10.0.0.1/", "http://crm.internal/", "http://[64:ff9b::7f00:1]/", "http://localhost./"]
    {
        assert!(EndpointUrl::parse(url, &policy).is_err(), "{url}");
    }
}

#[test]
fn a_url_has_at_most_2048_characters_as_typed_and_as_written_in_ascii() {
    let of_length = |length: usize, char: char| {
        let start = "https://example.com/";
        let rest = char.to_string().repeat(length - start.len());
        EndpointUrl::parse(&format!("{start}{rest}"), &public())
    };
    assert_eq!(of_length(2_048, 'a').unwrap().as_str().len(), LONGEST);
    assert_eq!(of_length(2_049, 'a'), Err(Refusal::TooLong));
    assert_eq!(of_length(1_000_000, 'a'), Err(Refusal::TooLong));
    assert!(of_length(300, 'ü').is_ok());
    assert_eq!(of_length(2_048, 'ü'), Err(Refusal::TooLong));
}

#[test]
fn a_url_tells_whom_to_dial_and_what_to_ask_for() {
    let name = |name: &str| Host::Name(name.into());
    let address = |address: &str| Host::Address(address.parse().unwrap());
    let cases = [
        ("https://example.com", true, name("example.com"), 443, "example.com", "/"),
        ("http://example.com?x=1#y", false, name("example.com"), 80, "example.com", "/?x=1"),
        ("https://example.com:80/a?", true, name("example.com"), 80, "example.com:80", "/a?"),
        ("http://example.com:443/a/b?c=d&e", false, name("example.com"), 443, "example.com:443", "/a/b?c=d&e"),
        (
            "https://bücher.example:8443/ü",
            true,
            name("xn--bcher-kva.example"),
            8443,
            "xn--bcher-kva.example:8443",
            "/%C3%BC",
        ),
        ("https://0x8.8.8.8/", true, address("8.8.8.8"), 443, "8.8.8.8", "/"),
        ("https://[2606:4700::1111]/", true, address("2606:4700::1111"), 443, "[2606:4700::1111]", "/"),
        ("http://[2606:4700::1111]:8080/a", false, address("2606:4700::1111"), 8080, "[2606:4700::1111]:8080", "/a"),
    ];
    for (typed, https, host, port, authority, path_and_query) in cases {
        let url = EndpointUrl::parse(typed, &public()).unwrap();
        assert_eq!((url.is_https(), url.host(), url.port()), (https, &host, port), "{typed}");
        assert_eq!((url.authority(), url.path_and_query()), (authority, path_and_query), "{typed}");
    }
}

#[test]
fn a_stored_url_is_parsed_but_not_judged() {
    for text in ["http://127.0.0.1:3000/hook", "https://crm.internal/", "http://[::1]/", "https://example.com/?a=b"] {
        assert_eq!(EndpointUrl::stored(text).unwrap().as_str(), text);
    }
    for text in ["", "hook", "ftp://example.com/", "https://", "https://example.com:0/", "https://user@example.com/"] {
        assert_eq!(EndpointUrl::stored(text), None, "{text}");
    }
    for (_, kept) in ALLOWED {
        assert_eq!(EndpointUrl::stored(kept), EndpointUrl::parse(kept, &public()).ok(), "{kept}");
    }
}

#[test]
fn a_url_is_printed_and_serialised_as_its_text() {
    let url = EndpointUrl::parse("https://example.com/hook", &public()).unwrap();
    assert_eq!(url.to_string(), "https://example.com/hook");
    assert_eq!(serde_json::to_string(&url).unwrap(), r#""https://example.com/hook""#);
}
