//! Tables of what a policy opens and what stays shut.

use super::*;

fn policy(allowed: &[&str]) -> Policy {
    let allowed = allowed.iter().map(|net| net.parse().unwrap()).collect();
    Policy { allowed, ..Policy::default() }
}

fn judge(policy: &Policy, address: &str) -> Result<(), Refusal> {
    policy.judge_address(address.parse().unwrap())
}

#[test]
fn an_allowed_range_opens_its_addresses_and_no_others() {
    type Addresses = &'static [&'static str];
    let cases: &[(&[&str], Addresses, Addresses)] = &[
        (&[], &["8.8.8.8", "2606:4700::1111"], &["127.0.0.1", "::1", "10.0.0.1", "fd00::1"]),
        (&["127.0.0.0/8"], &["127.0.0.1", "127.255.255.255", "::1", "8.8.8.8"], &["::", "::2", "10.0.0.1", "0.0.0.0"]),
        (&["127.0.0.1/32"], &["127.0.0.1"], &["127.0.0.0", "127.0.0.2", "127.1.1.1", "::1"]),
        (&["::1/128"], &["::1"], &["::", "::2", "127.0.0.1", "::ffff:127.0.0.1"]),
        (
            &["10.1.0.0/16", "fd00::/8"],
            &["10.1.2.3", "fd12::1"],
            &["10.2.0.0", "10.0.255.255", "fc00::1", "192.168.0.1"],
        ),
        (&["10.1.2.3/16"], &["10.1.0.0", "10.1.255.255"], &["10.2.0.0"]),
        (&["0.0.0.0/0"], &["127.0.0.1", "10.0.0.1", "224.0.0.1", "0.0.0.0", "::1"], &["::2", "fd00::1", "fe80::1"]),
        (&["::/0"], &["::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1"], &["127.0.0.1", "10.0.0.1"]),
        (&["fe80::/10"], &["fe80::1", "febf::1"], &["fec0::1", "169.254.1.1"]),
    ];
    for (allowed, open, shut) in cases {
        let policy = policy(allowed);
        for address in *open {
            assert_eq!(judge(&policy, address), Ok(()), "{address} with {allowed:?}");
        }
        for address in *shut {
            assert!(judge(&policy, address).is_err(), "{address} with {allowed:?}");
        }
    }
}

#[test]
fn a_wrapped_ipv4_address_is_opened_in_its_wrapped_form_or_when_mapped_as_ipv4() {
    let ten = policy(&["10.0.0.0/8"]);
    assert_eq!(judge(&ten, "::ffff:10.0.0.1"), Ok(()));
    for address in
        ["::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1", "2002:a00:1::", "2001::f5ff:fffe", "::ffff:11.0.0.1"]
    {
        assert!(judge(&ten, address).is_err(), "{address}");
    }

    let cases = [
        ("::ffff:10.0.0.0/104", "::ffff:10.0.0.1"),
        ("::/96", "::10.0.0.1"),
        ("64:ff9b::/96", "64:ff9b::10.0.0.1"),
        ("64:ff9b:1::/48", "64:ff9b:1::10.0.0.1"),
        ("2002:a00::/24", "2002:a00:1::"),
        ("2001::/32", "2001::f5ff:fffe"),
    ];
    for (allowed, address) in cases {
        let policy = policy(&[allowed]);
        assert_eq!(judge(&policy, address), Ok(()), "{address} with {allowed}");
        assert!(judge(&policy, "10.0.0.1").is_err(), "10.0.0.1 with {allowed}");
    }
}

#[test]
fn a_metadata_service_is_opened_only_by_exactly_its_address() {
    let cases: &[(&str, &[&str], bool)] = &[
        ("169.254.169.254", &[], false),
        ("169.254.169.254", &["0.0.0.0/0"], false),
        ("169.254.169.254", &["0.0.0.0/0", "::/0"], false),
        ("169.254.169.254", &["0.0.0.0/1", "128.0.0.0/1"], false),
        ("169.254.169.254", &["169.254.0.0/16"], false),
        ("169.254.169.254", &["169.254.169.254/31"], false),
        ("169.254.169.254", &["169.254.169.253/32"], false),
        ("169.254.169.254", &["0.0.0.0/0", "169.254.169.254/32"], true),
        ("169.254.170.2", &["169.254.170.0/24"], false),
        ("169.254.170.2", &["169.254.170.2/32"], true),
        ("168.63.129.16", &[], false),
        ("168.63.129.16", &["168.0.0.0/8"], false),
        ("168.63.129.16", &["168.63.129.16/32"], true),
        ("100.100.100.200", &["100.64.0.0/10"], false),
        ("100.100.100.200", &["0.0.0.0/1"], false),
        ("100.100.100.200", &["100.100.100.200/32"], true),
        ("192.0.0.192", &["192.0.0.0/24"], false),
        ("fd00:ec2::254", &["::/0"], false),
        ("fd00:ec2::254", &["fd00::/8"], false),
        ("fd00:ec2::254", &["fd00:ec2::/64"], false),
        ("fd00:ec2::254", &["fd00:ec2::254/128"], true),
        ("fd20:ce::254", &["fc00::/7"], false),
        ("fe80::a9fe:a9fe", &["fe80::/10"], false),
        ("::ffff:169.254.169.254", &["0.0.0.0/0"], false),
        ("::ffff:169.254.169.254", &["::/0"], false),
        ("::ffff:169.254.169.254", &["::ffff:a9fe:0/112"], false),
        ("::ffff:169.254.169.254", &["169.254.0.0/16"], false),
        ("::ffff:169.254.169.254", &["::ffff:a9fe:a9fe/128"], true),
        ("::ffff:169.254.169.254", &["169.254.169.254/32"], true),
        ("64:ff9b::a9fe:a9fe", &["64:ff9b::/96"], false),
        ("64:ff9b::a9fe:a9fe", &["169.254.169.254/32"], false),
        ("64:ff9b::a9fe:a9fe", &["64:ff9b::a9fe:a9fe/128"], true),
        ("64:ff9b::168.63.129.16", &[], false),
        ("64:ff9b:1::a9fe:a9fe", &["64:ff9b:1::/48"], false),
        ("2002:a9fe:a9fe::1", &["2002:a9fe::/32"], false),
        ("2001::5601:5601", &["2001::/32"], false),
    ];
    for (address, allowed, open) in cases {
        let verdict = judge(&policy(allowed), address);
        assert_eq!(verdict.is_ok(), *open, "{address} with {allowed:?}");
        let is_metadata = verdict.as_ref().err().is_none_or(|refusal| matches!(refusal, Refusal::Metadata { .. }));
        assert!(is_metadata, "{address} with {allowed:?}: {verdict:?}");
    }
}

#[test]
fn nat64_is_judged_by_the_ipv4_address_in_it() {
    let strict = policy(&[]);
    assert_eq!(judge(&strict, "64:ff9b::8.8.8.8"), Ok(()));
    for inner in ["127.0.0.1", "10.0.0.1", "0.0.0.0", "192.168.1.1", "224.0.0.1", "255.255.255.255", "100.64.0.1"] {
        let verdict = judge(&strict, &format!("64:ff9b::{inner}"));
        assert!(matches!(verdict, Err(Refusal::Wrapped { .. })), "{inner}: {verdict:?}");
    }
}

#[test]
fn names_are_judged_by_their_ending() {
    const OPEN: &str = "";
    let cases: &[(&str, &str)] = &[
        ("example.com", OPEN),
        ("EXAMPLE.com", OPEN),
        ("xn--bcher-kva.example", OPEN),
        ("localhost.example.com", OPEN),
        ("notlocalhost.com", OPEN),
        ("mylocal.dev", OPEN),
        ("internal.example.com", OPEN),
        ("arpa.example.com", OPEN),
        ("corp.com", OPEN),
        ("home.dev", OPEN),
        ("metadata.example.com", OPEN),
        ("127.0.0.1.nip.io", OPEN),
        ("localhost", "this machine"),
        ("LocalHost", "this machine"),
        ("localhost.", "this machine"),
        ("a.localhost", "this machine"),
        ("a.b.LOCALHOST..", "this machine"),
        ("crm.internal", "(.internal)"),
        ("internal", "(.internal)"),
        ("printer.local", "(.local)"),
        ("local.", "(.local)"),
        ("web.default.svc", "(.svc)"),
        ("web.default.svc.cluster.local", "(.local)"),
        ("kubernetes.default.svc", "(.svc)"),
        ("nas.home.arpa", "(.home.arpa)"),
        ("nas.lan", "(.lan)"),
        ("localhost.localdomain", "(.localdomain)"),
        ("wiki.intranet", "(.intranet)"),
        ("ad.corp", "(.corp)"),
        ("fritz.home", "(.home)"),
        ("metadata.google.internal", "metadata service"),
        ("METADATA.google.Internal.", "metadata service"),
        ("a.metadata.google.internal", "metadata service"),
        ("metadata.goog", "metadata service"),
        ("instance-data", "metadata service"),
        ("metadata", "metadata service"),
        ("abcdef.onion", "Tor"),
        ("onion", "Tor"),
        ("crm", "has no dot"),
        ("arpa", "has no dot"),
        ("", "has no dot"),
        ("example.com.", "ends in a dot"),
        ("example.com..", "ends in a dot"),
        ("a..example.com", "not a host name"),
        (".example.com", "not a host name"),
        ("bücher.example", "not a host name"),
        ("a b.example", "not a host name"),
        ("127.0.0.1", "not a host name"),
        ("0x7f.0x1", "not a host name"),
    ];
    for (name, reason) in cases {
        assert_name(&policy(&[]), name, reason);
    }
    assert_name(&policy(&[]), &format!("{}.com", "a".repeat(63)), OPEN);
    assert_name(&policy(&[]), &format!("{}.com", "a".repeat(64)), "not a host name");
    assert_name(&policy(&[]), &format!("{}com", "a.".repeat(125)), OPEN);
    assert_name(&policy(&[]), &format!("{}com", "a.".repeat(126)), "not a host name");
}

#[test]
fn an_opened_network_opens_its_names() {
    let (loopback, private) = (["localhost", "a.localhost"], ["crm", "a.internal", "a.local", "a.svc", "a.home.arpa"]);
    let cases: &[(&[&str], bool, bool)] = &[
        (&[], false, false),
        (&["127.0.0.1/32"], true, false),
        (&["127.0.0.0/8"], true, false),
        (&["::1/128"], true, false),
        (&["127.0.0.2/32"], false, false),
        (&["10.0.0.0/8"], false, true),
        (&["10.1.2.3/32"], false, true),
        (&["192.168.0.0/24", "127.0.0.1/32"], true, true),
        (&["100.64.0.0/10"], false, true),
        (&["169.254.7.0/24"], false, true),
        (&["fd00::/8"], false, true),
        (&["fe80::/10"], false, true),
        (&["0.0.0.0/0"], true, true),
        (&["::/0"], true, true),
        (&["8.8.8.0/24", "2001:db8::/32", "192.0.2.0/24"], false, false),
    ];
    for (allowed, opens_loopback, opens_private) in cases {
        let policy = policy(allowed);
        for name in loopback {
            assert_eq!(policy.judge_name(name).is_ok(), *opens_loopback, "{name} with {allowed:?}");
        }
        for name in private.into_iter().chain(["a.lan", "a.localdomain", "a.intranet", "a.corp", "a.home", "home"]) {
            assert_eq!(policy.judge_name(name).is_ok(), *opens_private, "{name} with {allowed:?}");
        }
    }
}

#[test]
fn no_network_opens_metadata_names_tor_trailing_dots_or_nonsense() {
    let open = policy(&["0.0.0.0/0", "::/0", "10.0.0.0/8", "169.254.0.0/16", "127.0.0.1/32"]);
    assert_name(&open, "metadata.google.internal", "metadata service");
    assert_name(&open, "metadata", "metadata service");
    assert_name(&open, "a.onion", "Tor");
    assert_name(&open, "localhost.", "ends in a dot");
    assert_name(&open, "crm.", "ends in a dot");
    assert_name(&open, "", "not a host name");
    assert_name(&open, "2130706433", "not a host name");
}

fn assert_name(policy: &Policy, name: &str, reason: &str) {
    match policy.judge_name(name) {
        Ok(()) => assert_eq!(reason, "", "{name} is open"),
        Err(refusal) => {
            let message = refusal.to_string();
            assert!(!reason.is_empty() && message.contains(reason), "{message:?} does not say {reason:?}");
        }
    }
}

#[test]
fn a_refusal_says_what_is_wrong_and_what_would_be_right() {
    let strict = policy(&[]);
    let cases = [
        (
            judge(&strict, "127.0.0.1"),
            "127.0.0.1 is a loopback address (127.0.0.0/8, RFC 1122); webhooks go only to public addresses \
             (an operator can open ranges with --allow-network)",
        ),
        (
            judge(&strict, "64:ff9b::10.0.0.1"),
            "64:ff9b::a00:1 leads to 10.0.0.1, a private address (10.0.0.0/8, RFC 1918); webhooks go only to public \
             addresses (an operator can open ranges with --allow-network)",
        ),
        (
            judge(&strict, "168.63.129.16"),
            "168.63.129.16 leads to the metadata service of Azure; webhooks go only to public addresses (an operator \
             can open it only by exactly its own address, with --allow-network 168.63.129.16/32)",
        ),
        (
            strict.judge_name("crm.internal"),
            "crm.internal is a name of a private network (.internal); webhooks go only to public hosts (an operator \
             can open the network's addresses with --allow-network)",
        ),
    ];
    for (verdict, message) in cases {
        assert_eq!(verdict.unwrap_err().to_string(), message);
    }
}
