//! Every setting of `serve` on one page: the flags, the variables, the file, its example and the loader come from here.

use super::effective::Config;
use super::values;

/// One setting, by all its names.
pub(super) struct Setting {
    /// In the file, below its table: `network.allow_http`.
    pub key: &'static str,
    pub flag: Option<&'static str>,
    pub env: &'static str,
    /// What help calls the value.
    pub value: &'static str,
    pub shape: Shape,
    pub unless_set: UnlessSet,
    /// One line, as in the file's comments.
    pub help: &'static str,
    /// Mistakes do not repeat what was written.
    pub secret: bool,
    /// Reads one word; of a list, one item. The error goes on after "this is …".
    pub set: fn(&mut Config, &str) -> Result<(), String>,
}

/// What a setting looks like in the file. Flags and variables write the same as words, lists with commas.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Number,
    Switch,
    List,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum UnlessSet {
    Default(&'static str),
    /// Nothing. The example says how it could look.
    Nothing {
        example: &'static str,
    },
}

use Shape::{List, Number, Switch, Text};
use UnlessSet::{Default, Nothing};

pub(super) static SETTINGS: &[Setting] = &[
    Setting {
        key: "listen",
        flag: Some("listen"),
        env: "POSTHASTE_LISTEN",
        value: "ADDRESS",
        shape: Text,
        unless_set: Default("127.0.0.1:8600"),
        help: "Address and port to listen on",
        secret: false,
        set: |config, text| values::address(text).map(|address| config.listen = address),
    },
    Setting {
        key: "data_dir",
        flag: Some("data-dir"),
        env: "POSTHASTE_DATA_DIR",
        value: "DIR",
        shape: Text,
        unless_set: Default("./posthaste-data"),
        help: "Directory of the embedded database, and of the keys that are not given",
        secret: false,
        set: |config, text| values::path(text).map(|path| config.data_dir = path),
    },
    Setting {
        key: "database_url",
        flag: Some("database-url"),
        env: "POSTHASTE_DATABASE_URL",
        value: "URL",
        shape: Text,
        unless_set: Nothing { example: "postgres://posthaste@db.internal/posthaste" },
        help: "PostgreSQL in place of the embedded database, for as many nodes as name it",
        secret: true,
        set: |config, text| values::database_url(text).map(|url| config.database.url = Some(url)),
    },
    Setting {
        key: "public_url",
        flag: Some("public-url"),
        env: "POSTHASTE_PUBLIC_URL",
        value: "URL",
        shape: Text,
        unless_set: Nothing { example: "https://hooks.example.com" },
        help: "Where the world reaches this server",
        secret: false,
        set: |config, text| values::public_url(text).map(|url| config.public_url = Some(url)),
    },
    Setting {
        key: "roles",
        flag: Some("roles"),
        env: "POSTHASTE_ROLES",
        value: "ROLE",
        shape: List,
        unless_set: Default("api,deliver,receive"),
        help: "What this node does: api, deliver, receive",
        secret: false,
        set: |config, text| values::role(text, &mut config.roles),
    },
    Setting {
        key: "admin_key",
        flag: None,
        env: "POSTHASTE_ADMIN_KEY",
        value: "KEY",
        shape: Text,
        unless_set: Nothing { example: "" },
        help: "The admin key; made on the first start unless set",
        secret: true,
        set: |config, text| values::key(text).map(|key| config.admin_key = Some(key)),
    },
    Setting {
        key: "master_key",
        flag: None,
        env: "POSTHASTE_MASTER_KEY",
        value: "BASE64",
        shape: Text,
        unless_set: Nothing { example: "" },
        help: "The key that secrets are encrypted with, 32 bytes in base64; made on the first start unless set",
        secret: true,
        set: |config, text| values::master_key(text).map(|key| config.master_key = Some(key)),
    },
    Setting {
        key: "master_key_file",
        flag: Some("master-key-file"),
        env: "POSTHASTE_MASTER_KEY_FILE",
        value: "FILE",
        shape: Text,
        unless_set: Nothing { example: "/etc/posthaste/master.key" },
        help: "File of the key that secrets are encrypted with; master.key in the data directory unless set",
        secret: false,
        set: |config, text| values::readable(text).map(|path| config.master_key_file = Some(path)),
    },
    Setting {
        key: "network.allow_http",
        flag: Some("allow-http"),
        env: "POSTHASTE_ALLOW_HTTP",
        value: "true|false",
        shape: Switch,
        unless_set: Default("false"),
        help: "Send to http:// URLs too",
        secret: false,
        set: |config, text| values::switch(text).map(|on| config.network.policy.allow_http = on),
    },
    Setting {
        key: "network.allow_network",
        flag: Some("allow-network"),
        env: "POSTHASTE_ALLOW_NETWORK",
        value: "CIDR",
        shape: List,
        unless_set: Nothing { example: "10.1.0.0/16,fd00:1::/32" },
        help: "Send to addresses in this private network too; may be repeated",
        secret: false,
        set: |config, text| values::network(text).map(|network| config.network.policy.allowed.push(network)),
    },
    Setting {
        key: "network.proxy",
        flag: Some("proxy"),
        env: "POSTHASTE_PROXY",
        value: "URL",
        shape: Text,
        unless_set: Nothing { example: "http://proxy.internal:3128" },
        help: "Send through this HTTP proxy",
        secret: true,
        set: |config, text| values::proxy(text).map(|url| config.network.proxy = Some(url)),
    },
    Setting {
        key: "network.proxy_resolves",
        flag: Some("proxy-resolves"),
        env: "POSTHASTE_PROXY_RESOLVES",
        value: "true|false",
        shape: Switch,
        unless_set: Default("false"),
        help: "Give the proxy names, which it resolves; only names and literal addresses are judged here then",
        secret: false,
        set: |config, text| values::switch(text).map(|on| config.network.proxy_resolves = on),
    },
    Setting {
        key: "network.ca_file",
        flag: Some("ca-file"),
        env: "POSTHASTE_CA_FILE",
        value: "FILE",
        shape: Text,
        unless_set: Nothing { example: "/etc/posthaste/ca.pem" },
        help: "Certificates (PEM) to trust besides the system's",
        secret: false,
        set: |config, text| values::readable(text).map(|path| config.network.ca_file = Some(path)),
    },
    Setting {
        key: "database.direct_url",
        flag: Some("database-direct-url"),
        env: "POSTHASTE_DATABASE_DIRECT_URL",
        value: "URL",
        shape: Text,
        unless_set: Nothing { example: "postgres://posthaste@db.internal:5432/posthaste" },
        help: "The PostgreSQL itself, where database_url is of a pooler that shares connections out (PgBouncer)",
        secret: true,
        set: |config, text| values::database_url(text).map(|url| config.database.direct_url = Some(url)),
    },
    Setting {
        key: "database.connections",
        flag: Some("database-connections"),
        env: "POSTHASTE_DATABASE_CONNECTIONS",
        value: "COUNT",
        shape: Number,
        unless_set: Default("8"),
        help: "Connections to PostgreSQL, at most, beside the one that holds the lease",
        secret: false,
        set: |config, text| values::number(text, 4..=1_000).map(|count| config.database.connections = count),
    },
    Setting {
        key: "database.accept_journal_loss",
        flag: Some("accept-journal-loss"),
        env: "POSTHASTE_ACCEPT_JOURNAL_LOSS",
        value: "true|false",
        shape: Switch,
        unless_set: Default("false"),
        help: "Start though the embedded database's journal is damaged, without the events in it that cannot be read",
        secret: false,
        set: |config, text| values::switch(text).map(|on| config.database.accept_journal_loss = on),
    },
    Setting {
        key: "database.patience",
        flag: Some("database-patience"),
        env: "POSTHASTE_DATABASE_PATIENCE",
        value: "DURATION",
        shape: Text,
        unless_set: Default("5s"),
        help: "How long callers wait while PostgreSQL is away, before they hear 503",
        secret: false,
        set: |config, text| values::patience(text).map(|patience| config.database.patience = patience),
    },
    Setting {
        key: "cluster.node_name",
        flag: Some("node-name"),
        env: "POSTHASTE_NODE_NAME",
        value: "NAME",
        shape: Text,
        unless_set: Nothing { example: "posthaste-1" },
        help: "What this node is called in GET /v1/cluster; the machine's name unless set",
        secret: false,
        set: |config, text| values::node_name(text).map(|name| config.cluster.node_name = Some(name)),
    },
    Setting {
        key: "cluster.lease",
        flag: Some("lease"),
        env: "POSTHASTE_LEASE",
        value: "DURATION",
        shape: Text,
        unless_set: Default("6s"),
        help: "How long a node that is not heard of keeps its endpoints: what a dead node holds them up for",
        secret: false,
        set: |config, text| values::lease(text).map(|lease| config.cluster.lease = lease),
    },
    Setting {
        key: "delivery.concurrency",
        flag: Some("concurrency"),
        env: "POSTHASTE_CONCURRENCY",
        value: "COUNT",
        shape: Number,
        unless_set: Default("1024"),
        help: "Attempts in flight on this node, at most",
        secret: false,
        set: |config, text| values::number(text, 1..=65_536).map(|count| config.delivery.concurrency = count),
    },
    Setting {
        key: "delivery.per_endpoint",
        flag: Some("per-endpoint"),
        env: "POSTHASTE_PER_ENDPOINT",
        value: "COUNT",
        shape: Number,
        unless_set: Default("64"),
        help: "Attempts in flight to one endpoint, at most",
        secret: false,
        set: |config, text| values::number(text, 1..=65_536).map(|count| config.delivery.per_endpoint = count),
    },
    Setting {
        key: "delivery.per_host",
        flag: Some("per-host"),
        env: "POSTHASTE_PER_HOST",
        value: "COUNT",
        shape: Number,
        unless_set: Default("256"),
        help: "Attempts in flight to one host (scheme, name and port), at most",
        secret: false,
        set: |config, text| values::number(text, 1..=65_536).map(|count| config.delivery.per_host = count),
    },
    Setting {
        key: "delivery.grace",
        flag: Some("grace"),
        env: "POSTHASTE_GRACE",
        value: "DURATION",
        shape: Text,
        unless_set: Default("15s"),
        help: "How long SIGTERM waits for what is in flight; a second one ends that",
        secret: false,
        set: |config, text| values::span(text).map(|grace| config.delivery.grace = grace),
    },
    Setting {
        key: "api.max_batch_bytes",
        flag: Some("max-batch-bytes"),
        env: "POSTHASTE_MAX_BATCH_BYTES",
        value: "BYTES",
        shape: Number,
        unless_set: Default("33554432"),
        help: "Longest body of a batch of events",
        secret: false,
        set: |config, text| values::number(text, 1_024..=1 << 30).map(|bytes| config.api.max_batch_bytes = bytes),
    },
    Setting {
        key: "api.connections_per_address",
        flag: Some("connections-per-address"),
        env: "POSTHASTE_CONNECTIONS_PER_ADDRESS",
        value: "COUNT",
        shape: Number,
        unless_set: Default("1000"),
        help: "Connections from one address, at most; 0 behind a proxy, from whose address all of them come",
        secret: false,
        set: |config, text| values::number(text, 0..=65_536).map(|count| config.api.connections_per_address = count),
    },
    Setting {
        key: "retention.contents",
        flag: Some("retention-contents"),
        env: "POSTHASTE_RETENTION_CONTENTS",
        value: "DURATION",
        shape: Text,
        unless_set: Default("30d"),
        help: "How long events, deliveries and attempts are kept, at least 1d, or forever; projects may have their own",
        secret: false,
        set: |config, text| values::contents(text).map(|kept| config.retention.contents = kept),
    },
    Setting {
        key: "retention.attempt_bodies",
        flag: Some("retention-attempt-bodies"),
        env: "POSTHASTE_RETENTION_ATTEMPT_BODIES",
        value: "DURATION",
        shape: Text,
        unless_set: Default("7d"),
        help: "How long attempts keep their bodies, or forever; projects may have their own",
        secret: false,
        set: |config, text| values::period(text).map(|kept| config.retention.attempt_bodies = kept),
    },
    Setting {
        key: "smtp.url",
        flag: Some("smtp-url"),
        env: "POSTHASTE_SMTP_URL",
        value: "URL",
        shape: Text,
        unless_set: Nothing { example: "smtp://user:password@smtp.example.com:587" },
        help: "Mail server that takes mail to admins: smtp:// (STARTTLS) or smtps://; none is sent unless set",
        secret: true,
        set: |config, text| values::relay(text).map(|relay| config.smtp.url = Some(relay)),
    },
    Setting {
        key: "smtp.from",
        flag: Some("smtp-from"),
        env: "POSTHASTE_SMTP_FROM",
        value: "ADDRESS",
        shape: Text,
        unless_set: Nothing { example: "Posthaste <webhooks@example.com>" },
        help: "Address that mail to admins is from",
        secret: false,
        set: |config, text| values::mailbox(text).map(|from| config.smtp.from = Some(from)),
    },
    Setting {
        key: "log.format",
        flag: Some("log-format"),
        env: "POSTHASTE_LOG_FORMAT",
        value: "FORMAT",
        shape: Text,
        unless_set: Default("text"),
        help: "How log lines are written: text or json",
        secret: false,
        set: |config, text| values::log_format(text).map(|format| config.log.format = format),
    },
    Setting {
        key: "log.level",
        flag: Some("log-level"),
        env: "POSTHASTE_LOG_LEVEL",
        value: "LEVEL",
        shape: Text,
        unless_set: Default("info"),
        help: "What is logged: error, warn, info, debug or trace",
        secret: false,
        set: |config, text| values::log_level(text).map(|level| config.log.level = level),
    },
];

impl Setting {
    /// Whether it may stand in the file. What has no flag is a secret, and files are copied around.
    pub(super) fn in_file(&self) -> bool {
        self.flag.is_some()
    }

    /// The table it stands in; empty at the top.
    pub(super) fn table(&self) -> &'static str {
        self.key.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// Its name within the table.
    pub(super) fn name(&self) -> &'static str {
        self.key.rsplit_once('.').map_or(self.key, |(_, name)| name)
    }

    /// A default or an example.
    pub(super) fn shown(&self) -> &'static str {
        match self.unless_set {
            Default(text) | Nothing { example: text } => text,
        }
    }

    /// The words in `text`: a list's items, or all of it.
    pub(super) fn split<'a>(&self, text: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let is_list = self.shape == List;
        let items = text.split(move |c| is_list && c == ',').map(move |item| if is_list { item.trim() } else { item });
        items.filter(|item| !item.is_empty())
    }
}

pub(super) fn set_default(setting: &Setting, config: &mut Config) {
    if let Default(text) = setting.unless_set {
        for value in setting.split(text) {
            (setting.set)(config, value).expect("a test reads all defaults of the table");
        }
    }
}

/// The one of `names` that was probably meant by `typed`, at most `typos` letters away.
pub(super) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>, typos: usize) -> Option<&'a str> {
    let distance = |name: &'a str| (strsim::damerau_levenshtein(typed, name), name);
    names.map(distance).filter(|(distance, _)| *distance <= typos).min().map(|(_, name)| name)
}
