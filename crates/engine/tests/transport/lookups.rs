//! Names looked up as this machine is configured to: by a real name server that answers oddly, and a hosts file.

use std::sync::Arc;
use std::time::Duration;

use engine::resolve::sources::Sources;
use engine::resolve::system_resolver::SystemResolver;
use engine::resolve::{Error, Resolve};
use model::env::Env;
use model::local_fault::LocalFault;
use testkit::clock::TestEnv;
use testkit::real_time::RealTime;

use crate::name_server::{Files, NameServer, Says, has};

const NO_SUCH_NAME: Says = Says::Code(3);
const SERVER_FAILURE: Says = Says::Code(2);

fn resolver(files: &Files, port: u16, env: impl Env) -> SystemResolver {
    let sources = Sources { resolv_conf: files.path("resolv.conf"), hosts: files.path("hosts"), port };
    SystemResolver::reading(sources, Arc::new(env))
}

async fn found(resolver: &SystemResolver, name: &str) -> String {
    let looked_up = tokio::select! {
        looked_up = resolver.resolve(name) => looked_up,
        () = RealTime::new().sleep(Duration::from_secs(20)) => panic!("{name} was still being looked up after 20 s"),
    };
    match looked_up {
        Ok(addresses) => addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_host_name_is_whole_and_search_domains_are_never_used() {
    let (server, port) = NameServer::at("127.0.0.1", |name, _| match name {
        "hooks.customer.example" => has(&["192.0.2.1"]),
        name if name.ends_with(".corp.wild") => has(&["192.0.2.66"]),
        _ => NO_SUCH_NAME,
    })
    .await;
    let files = Files::new("nameserver 127.0.0.1\nsearch corp.wild\noptions ndots:5\n", "");
    let resolver = resolver(&files, port, RealTime::new());
    assert_eq!(found(&resolver, "hooks.customer.example").await, "192.0.2.1");
    for name in ["crm", "gone.example"] {
        assert_eq!(found(&resolver, name).await, "does not exist", "{name}");
    }
    assert!(!server.asked().iter().any(|asked| asked.contains("corp.wild")), "{:?}", server.asked());
}

#[tokio::test]
async fn a_changed_configuration_holds_from_the_next_second_on() {
    let (_server, port) =
        NameServer::at("127.0.0.1", |_, is_ipv6| if is_ipv6 { has(&[]) } else { has(&["192.0.2.1"]) }).await;
    let files = Files::new("nameserver 127.0.0.1\n", "");
    let env = TestEnv::new();
    let resolver = resolver(&files, port, env.clone());
    assert_eq!(found(&resolver, "hooks.example").await, "192.0.2.1");

    files.write("hosts", "10.0.0.7 hooks.example # since today\n");
    assert_eq!(found(&resolver, "hooks.example").await, "192.0.2.1");
    env.advance(Duration::from_secs(1));
    assert_eq!(found(&resolver, "hooks.example").await, "10.0.0.7");

    let none = "could not be looked up: this machine has no name server in /etc/resolv.conf";
    files.write("resolv.conf", "# none\n");
    env.advance(Duration::from_secs(1));
    assert_eq!(found(&resolver, "other.example").await, none);
    assert_eq!(found(&resolver, "hooks.example").await, "10.0.0.7");
    files.write("resolv.conf", "nameserver 127.0.0.1\n");
    env.advance(Duration::from_secs(1));
    assert_eq!(found(&resolver, "other.example").await, "192.0.2.1");
}

#[tokio::test]
async fn the_hosts_file_is_asked_first_and_alone() {
    let (server, port) = NameServer::at("127.0.0.1", |_, _| has(&["192.0.2.1", "2001:db8::1"])).await;
    let files = Files::new("nameserver 127.0.0.1\n", "10.0.0.7 Hooks.Example alias\n10.0.0.8 hooks.example\n");
    let resolver = resolver(&files, port, RealTime::new());
    assert_eq!(found(&resolver, "hooks.example").await, "10.0.0.7 10.0.0.8");
    assert_eq!(found(&resolver, "HOOKS.EXAMPLE").await, "10.0.0.7 10.0.0.8");
    assert_eq!(found(&resolver, "alias").await, "10.0.0.7");
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test]
async fn this_machine_is_known_without_files() {
    let files = Files::new("", "");
    let resolver = resolver(&files, 53, RealTime::new());
    for name in ["localhost", "a.localhost"] {
        assert_eq!(found(&resolver, name).await, "127.0.0.1 ::1", "{name}");
    }
}

#[tokio::test]
async fn a_machine_without_name_servers_is_at_fault_itself() {
    let files = Files::new("search example.com\n", "");
    std::fs::remove_file(files.path("hosts")).unwrap();
    for is_there in [true, false] {
        if !is_there {
            std::fs::remove_file(files.path("resolv.conf")).unwrap();
        }
        let looked_up = resolver(&files, 53, RealTime::new()).resolve("hooks.example").await;
        assert!(matches!(looked_up, Err(Error::Local(LocalFault::NoNameServer))), "{looked_up:?}");
    }
}

#[tokio::test]
async fn a_family_that_nobody_answers_for_holds_up_nothing() {
    let (_server, port) = NameServer::at("127.0.0.1", |name, is_ipv6| match (name, is_ipv6) {
        ("four.example", true) | ("six.example", false) => Says::Silence,
        ("broken.example", true) => SERVER_FAILURE,
        _ => has(&["192.0.2.1", "2001:db8::1"]),
    })
    .await;
    let files = Files::new("nameserver 127.0.0.1\n", "");
    let resolver = resolver(&files, port, RealTime::new());
    assert_eq!(found(&resolver, "four.example").await, "192.0.2.1");
    assert_eq!(found(&resolver, "six.example").await, "2001:db8::1");
    assert_eq!(found(&resolver, "broken.example").await, "192.0.2.1");
    assert_eq!(found(&resolver, "both.example").await, "192.0.2.1 2001:db8::1");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_asked_for_over_tcp_of_the_name_server_that_lives() {
    let many: Vec<String> = (1..=60).map(|last| format!("192.0.2.{last}")).collect();
    let expected = many.join(" ");
    let answers = move |_: &str, _: bool| has(&many.iter().map(String::as_str).collect::<Vec<_>>());
    // Nothing listens at the first address: packets to it are lost.
    let (server, port) = NameServer::at("127.0.0.3", answers).await;
    let files = Files::new("nameserver 127.0.0.2\nnameserver 127.0.0.3\n", "");
    let resolver = resolver(&files, port, RealTime::new());
    assert_eq!(found(&resolver, "hooks.example").await, expected);
    assert!(server.asked().contains(&"hooks.example A tcp".to_owned()), "{:?}", server.asked());
}

#[tokio::test]
async fn a_name_server_that_fails_is_not_the_last_word() {
    let fails = |_: &str, _: bool| SERVER_FAILURE;
    let answers = |name: &str, _: bool| if name == "hooks.example" { has(&["192.0.2.1"]) } else { SERVER_FAILURE };
    let ([first, _second], port) = NameServer::pair(["127.0.0.2", "127.0.0.3"], fails, answers).await;
    let files = Files::new("nameserver 127.0.0.2\nnameserver 127.0.0.3\n", "");
    let resolver = resolver(&files, port, RealTime::new());
    assert_eq!(found(&resolver, "hooks.example").await, "192.0.2.1");
    assert!(!first.asked().is_empty());
    let told = "could not be looked up: the name server failed (SERVFAIL)";
    assert_eq!(found(&resolver, "other.example").await, told);
}
