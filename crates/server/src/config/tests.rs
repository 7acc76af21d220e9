//! What the loader takes, refuses and says.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as _, Command, FromArgMatches as _};
use store::handle::Postgres;
use tempfile::TempDir;

use super::*;

fn flags(values: &[&str]) -> Flags {
    let command = Flags::augment_args(Command::new("serve")).no_binary_name(true);
    Flags::from_arg_matches(&command.try_get_matches_from(values).unwrap()).unwrap()
}

/// A configuration file and the flags that name it.
struct Written {
    dir: TempDir,
    path: PathBuf,
}

impl Written {
    fn new(text: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("posthaste.toml");
        std::fs::write(&path, text).unwrap();
        Self { dir, path }
    }

    fn load(&self, values: &[&str], environment: &Environment) -> Result<Config, Vec<ConfigDiagnostic>> {
        let path = self.path.to_str().unwrap();
        let config = load(&flags(&[&["--config", path], values].concat()), environment)?;
        assert_eq!(config.file.as_ref(), Some(&self.path));
        // As if all had been said elsewhere.
        Ok(Config { file: None, ..config })
    }

    /// The mistakes in it, one a line, without the directory.
    fn diagnostics(&self, values: &[&str], environment: &Environment) -> Vec<String> {
        let dir = format!("{}/", self.dir.path().display());
        let diagnostics = self.load(values, environment).unwrap_err();
        diagnostics.iter().map(|diagnostic| diagnostic.to_string().replace(&dir, "")).collect()
    }
}

fn none() -> Environment {
    Environment::default()
}

#[test]
fn nothing_said_is_the_defaults() {
    let config = Written::new("").load(&[], &none()).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8600");
    assert_eq!(config.data_dir, PathBuf::from("./posthaste-data"));
    assert_eq!(config.roles, Roles { api: true, deliver: true, receive: true });
    assert_eq!((config.delivery.concurrency, config.delivery.per_endpoint), (1024, 64));
    assert_eq!(config.delivery.grace, Duration::from_secs(15));
    assert_eq!(config.api.max_batch_bytes, 33_554_432);
    assert_eq!((config.database.connections, config.cluster.lease), (Postgres::CONNECTIONS, Postgres::LEASE));
    assert_eq!((config.log.format, config.log.level), (LogFormat::Text, tracing::Level::INFO));
    assert!(!config.network.policy.allow_http && config.network.policy.allowed.is_empty());
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
}

#[test]
fn flags_win_over_environment_over_file() {
    let file = Written::new(
        "listen = '127.0.0.1:1'\ndata_dir = 'file'\n[log]\nlevel = 'debug'\n[network]\nallow_network = ['10.0.0.0/8', '10.1.1.1']",
    );
    let environment = [
        ("POSTHASTE_LISTEN", "127.0.0.1:2"),
        ("POSTHASTE_DATA_DIR", "environment"),
        ("POSTHASTE_LOG_LEVEL", ""),
        ("POSTHASTE_ALLOW_NETWORK", "10.2.0.0/16, fd00::/8"),
    ];
    let config = file.load(&["--listen", "127.0.0.1:3"], &Environment::from(environment)).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.data_dir, PathBuf::from("environment"));
    assert_eq!(config.log.level, tracing::Level::DEBUG);
    let allowed = |config: &Config| config.network.policy.allowed.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(allowed(&config), ["10.2.0.0/16", "fd00::/8"]);
    assert_eq!(allowed(&file.load(&[], &none()).unwrap()), ["10.0.0.0/8", "10.1.1.1/32"]);
    let repeated = ["--allow-network", "10.3.0.0/16", "--allow-network", "10.4.0.0/16,10.5.0.0/16"];
    assert_eq!(allowed(&file.load(&repeated, &none()).unwrap()), ["10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16"]);
}

#[test]
fn every_setting_is_read_from_its_flag_its_variable_and_its_key() {
    let dir = TempDir::new().unwrap();
    let pem = dir.path().join("a.pem");
    std::fs::write(&pem, "").unwrap();
    for setting in SETTINGS {
        let value = match setting.key {
            "listen" => "127.0.0.1:9",
            "data_dir" => "./elsewhere",
            "roles" => "deliver",
            "admin_key" => "chosen-by-a-test-0",
            "master_key" => "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "master_key_file" | "network.ca_file" => pem.to_str().unwrap(),
            "network.allow_http" | "network.proxy_resolves" | "database.accept_journal_loss" => "true",
            "log.format" => "json",
            "log.level" => "trace",
            "delivery.per_endpoint" | "delivery.per_host" => "7",
            "database.connections" => "16",
            "cluster.lease" | "database.patience" => "10s",
            "delivery.grace" => "2m",
            "retention.contents" | "retention.attempt_bodies" => "3d",
            "delivery.concurrency" | "api.max_batch_bytes" | "api.connections_per_address" => "2048",
            _ => setting.shown(),
        };
        let mut expected = Config::unset();
        SETTINGS
            .iter()
            .filter(|other| other.key != setting.key)
            .for_each(|other| settings::set_default(other, &mut expected));
        setting.split(value).for_each(|value| (setting.set)(&mut expected, value).unwrap());
        // A mail server is of no use without an address that mail is from.
        let beside = match setting.key {
            "smtp.url" => {
                expected.smtp.from = Some("a@example.com".parse().unwrap());
                "smtp.from = 'a@example.com'\n"
            }
            "network.proxy_resolves" => {
                expected.network.proxy = Some(Redacted("http://proxy:3128".to_owned()));
                "network.proxy = 'http://proxy:3128'\n"
            }
            "database.direct_url" => {
                expected.database.url = Some(Redacted("postgres://pooler/posthaste".to_owned()));
                "database_url = 'postgres://pooler/posthaste'\n"
            }
            _ => "",
        };
        let expected = format!("{expected:?}");
        assert_ne!(expected, format!("{:?}", Config::default()), "{}", setting.key);

        let alone = Written::new(beside);
        let by_variable = alone.load(&[], &Environment::from([(setting.env, value)])).unwrap();
        assert_eq!(format!("{by_variable:?}"), expected, "{}", setting.env);
        if let Some(flag) = setting.flag {
            let by_flag = alone.load(&[&format!("--{flag}={value}")], &none()).unwrap();
            assert_eq!(format!("{by_flag:?}"), expected, "{flag}");
            let shaped = match setting.shape {
                settings::Shape::Text => format!("{value:?}"),
                settings::Shape::Number | settings::Shape::Switch => value.to_owned(),
                settings::Shape::List => {
                    format!("[{}]", value.split(',').map(|item| format!("{item:?}")).collect::<Vec<_>>().join(","))
                }
            };
            let by_key = Written::new(&format!("{beside}{} = {shaped}", setting.key)).load(&[], &none()).unwrap();
            assert_eq!(format!("{by_key:?}"), expected, "{}", setting.key);
        }
    }
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_place_and_key() {
    let file = Written::new(
        r#"listen = "nowhere"
lisen = "127.0.0.1:1"
roles = ["api",
  "cook"]
admin_key = "hush hush"
allow_http = true

[network]
allow_http = "yes"
allow_network = ["10.0.0.0/8",
  "10.0.0.1/8"]

[delivery]
grace = 15
concurrency = -1
per_endpoints = 3

[netwrok]
x = 1
"#,
    );
    let environment = Environment::from([
        ("POSTHASTE_LOG_LEVEL", "loud"),
        ("POSTHASTE_MASTER_KEY", "hush"),
        ("POSTHASTE_LISTN", "x"),
    ]);
    let values = ["--database-url", "mysql://u:hush@db/x", "--lease=90s", "--per-endpoint=0", "--allow-http=maybe"];
    let expected = [
        r#"posthaste.toml:1: listen: "nowhere" is not an IP address and a port, for example 127.0.0.1:8600 or [::]:8600"#,
        "posthaste.toml:2: lisen: unknown key; did you mean listen?",
        r#"posthaste.toml:4: roles: "cook" is not a role: there are api, deliver and receive"#,
        "posthaste.toml:5: admin_key: a secret is not read from a file: set POSTHASTE_ADMIN_KEY",
        "posthaste.toml:6: allow_http: unknown key; allow_http belongs below [network]",
        "posthaste.toml:9: network.allow_http: expected true or false, found string",
        r#"posthaste.toml:11: network.allow_network: "10.0.0.1/8" is ambiguous: write 10.0.0.0/8 for the network or 10.0.0.1 for the address"#,
        r#"posthaste.toml:14: delivery.grace: expected a string, such as "15s", found integer"#,
        r#"posthaste.toml:15: delivery.concurrency: "-1" is not a whole number from 1 to 65536"#,
        "posthaste.toml:16: delivery.per_endpoints: unknown key; did you mean delivery.per_endpoint?",
        "posthaste.toml:18: netwrok: unknown key; did you mean network?",
        "POSTHASTE_LISTN: unknown variable; did you mean POSTHASTE_LISTEN?",
        r#"POSTHASTE_LOG_LEVEL: log.level: "loud" is none of error, warn, info, debug and trace"#,
        "POSTHASTE_MASTER_KEY: master_key: the value is not a master key: a master key is 32 bytes in base64 (44 characters); `head -c 32 /dev/urandom | base64` makes one",
        r#"--allow-http: network.allow_http: "maybe" is neither true nor false"#,
        "--database-url: database_url: the value is not a PostgreSQL URL: write it like postgres://user:password@db.example.com:5432/posthaste",
        r#"--lease: cluster.lease: "90s" is not a lease: write a duration from 1s to 60s"#,
        r#"--per-endpoint: delivery.per_endpoint: "0" is not a whole number from 1 to 65536"#,
    ];
    assert_eq!(file.diagnostics(&values, &environment), expected);
}

#[test]
fn a_mistake_is_told_though_something_stronger_was_said() {
    let file = Written::new("[log]\nlevel = 'loud'");
    let told = file.diagnostics(&["--log-level=warn"], &none());
    assert_eq!(told, [r#"posthaste.toml:2: log.level: "loud" is none of error, warn, info, debug and trace"#]);
}

#[test]
fn what_is_odd_in_a_file_is_told() {
    let cases = [
        ("listen = ", "posthaste.toml:1: not TOML: "),
        ("\n\nlisten = 'a'\nlisten = 'b'", "posthaste.toml:4: not TOML: duplicate key"),
        ("[[network]]\nproxy = 'x'", "posthaste.toml:1: network: is a table: write [network] once, and its keys below"),
        ("network = 1", "posthaste.toml:1: network: is a table: write [network] once, and its keys below"),
        ("[listen]", "posthaste.toml:1: listen: expected a string, such as \"127.0.0.1:8600\", found table"),
        ("roles = []", "posthaste.toml:1: roles: name at least one"),
        (
            "roles = ['api', 1]",
            "posthaste.toml:1: roles: expected a list of strings, such as [\"api\", \"deliver\", \"receive\"], found array",
        ),
        (
            "roles = 'api'",
            "posthaste.toml:1: roles: expected a list of strings, such as [\"api\", \"deliver\", \"receive\"], found string",
        ),
        (
            "[log]\nlisten = 'x'",
            "posthaste.toml:2: log.listen: unknown key; listen stands at the top of the file, above all tables",
        ),
        (
            "network.colour = 'red'",
            "posthaste.toml:1: network.colour: unknown key; `posthaste config print` shows all keys",
        ),
        (
            "[network]\nproxy = 'https://u:hush@p'",
            "posthaste.toml:2: network.proxy: the value is not a proxy: write it like http://proxy.example:3128",
        ),
        (
            "[network]\nca_file = '/nowhere/ca.pem'",
            "posthaste.toml:2: network.ca_file: \"/nowhere/ca.pem\" is not a file that can be read: No such file or directory",
        ),
        (
            "[smtp]\nurl = 'smtp://u:hush@mail.example.com?tls=none'\nfrom = 'a@example.com'",
            "posthaste.toml:2: smtp.url: the value is a password in the clear: leave ?tls=none out",
        ),
        (
            "[smtp]\n\nurl = 'smtp://u:hush@mail.example.com'",
            "posthaste.toml:3: smtp.url: needs smtp.from, the address that mail is from: write it like Posthaste <",
        ),
        (
            "[smtp]\nfrom = 'a@example.com, b@example.com'",
            "posthaste.toml:2: smtp.from: \"a@example.com, b@example.com\" is not a mail address: write it like Posthaste <",
        ),
        ("database_url = 'postgres://u:hush@db:port/x'", "posthaste.toml:1: database_url: the value is of no use: "),
        (
            "[database]\ndirect_url = 'postgres://u:hush@db/x'",
            "posthaste.toml:2: database.direct_url: needs database_url, the pooler's own URL; ",
        ),
        (
            "[network]\nproxy_resolves = true",
            "posthaste.toml:2: network.proxy_resolves: needs network.proxy, the proxy that resolves names; ",
        ),
        (
            "[cluster]\nnode_name = 'two words'",
            "posthaste.toml:2: cluster.node_name: \"two words\" is not a node's name: write 1 to 64 visible ASCII letters",
        ),
        (
            "public_url = 'hooks.example.com'",
            "posthaste.toml:1: public_url: \"hooks.example.com\" is not a URL that others can reach, for example https://hooks.example.com",
        ),
    ];
    for (text, expected) in cases {
        let told = Written::new(text).diagnostics(&[], &none());
        assert!(told.len() == 1 && told[0].starts_with(expected), "{text:?}: {told:?}");
    }
}

#[test]
fn inline_tables_and_dotted_keys_are_read_as_well() {
    for text in ["network = { allow_http = true }", "network.allow_http = true", "[network]\nallow_http = true"] {
        assert!(Written::new(text).load(&[], &none()).unwrap().network.policy.allow_http, "{text}");
    }
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let gone = load(&flags(&["--config", "/nowhere/a.toml"]), &none()).unwrap_err();
    assert!(gone[0].to_string().starts_with("/nowhere/a.toml: cannot be read: "), "{}", gone[0]);
    let environment = Environment::from([("POSTHASTE_CONFIG", "/nowhere/b.toml")]);
    assert!(load(&flags(&[]), &environment).unwrap_err()[0].to_string().starts_with("/nowhere/b.toml: "));
}

#[test]
fn what_an_orchestrator_sets_is_let_be() {
    let environment = Environment::from([
        ("POSTHASTE_PORT", "tcp://10.0.0.1:8600"),
        ("POSTHASTE_SERVICE_HOST", "10.0.0.1"),
        ("POSTHASTE_API_KEY", "k"),
        ("POSTHASTE_SOMETHING_ELSE", "k"),
    ]);
    assert!(Written::new("").load(&[], &environment).is_ok());
}

#[test]
fn the_example_is_the_defaults_and_every_line_in_it_is_right() {
    let config = Written::new(&example()).load(&[], &none()).unwrap();
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    let uncommented: Vec<_> = example()
        .lines()
        .map(|line| if line.starts_with("# ") { "" } else { line.trim_start_matches('#') }.to_owned())
        .collect();
    // The files that it names are not here; all else must be fine.
    let told = Written::new(&uncommented.join("\n")).diagnostics(&[], &none());
    assert!(told.len() == 2 && told.iter().all(|line| line.contains("_file: ")), "{told:?}");
}

#[test]
fn one_endpoint_and_one_host_get_no_more_than_the_node() {
    let config = Written::new("[delivery]\nconcurrency = 8").load(&[], &none()).unwrap();
    assert_eq!((config.delivery.per_endpoint, config.delivery.per_host), (8, 8));
}

#[test]
fn secrets_are_not_printed() {
    let environment = Environment::from([
        ("POSTHASTE_ADMIN_KEY", "hush-admin-0123456789"),
        ("POSTHASTE_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ("POSTHASTE_PROXY", "http://u:hush-proxy@proxy"),
        ("POSTHASTE_SMTP_URL", "smtp://hush-user:hush-password@mail.example.com"),
        ("POSTHASTE_SMTP_FROM", "a@example.com"),
        ("POSTHASTE_DATABASE_URL", "postgres://u:hush-database@db/x"),
        ("POSTHASTE_DATABASE_DIRECT_URL", "postgres://u:hush-direct@db/x"),
    ]);
    let config = Written::new("").load(&[], &environment).unwrap();
    assert_eq!(config.admin_key.as_ref().unwrap().reveal(), "hush-admin-0123456789");
    let printed = format!("{config:?}");
    assert!(!printed.contains("hush") && !printed.contains("AAEC"), "{printed}");
}
