//! A mail server that is not ours (aiosmtpd, from PyPI), on a port that the system chose.

use serde_json::{Value, json};
use testkit::certificate::Identity;
use testkit::process::Process;
use tokio::net::TcpSocket;

use crate::peers;

/// Takes mail and prints it, a line each, with who logged in and whether the line was encrypted.
const PROGRAM: &str = r#"
import asyncio, json, ssl, sys
from email import message_from_bytes, policy
from aiosmtpd.smtp import SMTP, AuthResult

options = json.loads(sys.argv[1])
context = None
if options["identity"]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options["identity"])

class Box:
    taken = 0

    async def handle_RCPT(self, server, session, envelope, address, arguments):
        if options["refusals"]:
            return options["refusals"].pop(0).replace("ADDRESS", address)
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server, session, envelope):
        self.taken += 1
        mail = message_from_bytes(envelope.content, policy=policy.default)
        told = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "text": mail.get_content(),
            "encrypted": server.transport.get_extra_info("ssl_object") is not None,
            "login": session.auth_data,
        }
        print(f"mail {self.taken} {json.dumps(told)}", flush=True)
        return "250 taken"

def authenticate(server, session, envelope, mechanism, login):
    pair = [login.login.decode(), login.password.decode()]
    print("login", *pair, flush=True)
    return AuthResult(success=pair == options["login"], auth_data=pair)

def connection():
    login = options["login"]
    return SMTP(
        Box.only, hostname="postbox.example", tls_context=None if options["tls_first"] else context,
        authenticator=authenticate if login else None, auth_required=bool(login), auth_require_tls=False,
    )

async def main():
    Box.only = Box()
    server = await asyncio.get_running_loop().create_server(
        connection, "127.0.0.1", options["port"], reuse_port=True, ssl=context if options["tls_first"] else None
    )
    print("open", flush=True)
    await server.serve_forever()

asyncio.run(main())
"#;

/// How a postbox will be. It holds the port already: connections to it are refused until it is open.
pub(crate) struct Plan {
    /// Bound and not listened on, so that nobody else takes the port.
    held: TcpSocket,
    port: u16,
    options: Value,
}

pub(crate) struct Postbox {
    process: Process,
    _held: TcpSocket,
    _identity: tempfile::TempDir,
}

/// A mail as it was taken.
pub(crate) struct Taken(pub(crate) Value);

impl Plan {
    pub(crate) fn new() -> Self {
        let held = TcpSocket::new_v4().expect("the system has sockets");
        held.set_reuseport(true).expect("the system can share ports");
        held.bind(([127, 0, 0, 1], 0).into()).expect("the system has a port");
        let port = held.local_addr().expect("it is bound").port();
        let options = json!({ "port": port, "refusals": [], "login": null, "identity": null, "tls_first": false });
        Self { held, port, options }
    }

    /// Where it will be, for URLs.
    pub(crate) fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Says these to the first recipients it is told.
    pub(crate) fn refusing<const N: usize>(mut self, replies: [&str; N]) -> Self {
        self.options["refusals"] = json!(replies.as_slice());
        self
    }

    /// Takes mail from those who log in like that.
    pub(crate) fn login(mut self, user: &str, password: &str) -> Self {
        self.options["login"] = json!([user, password]);
        self
    }

    /// Speaks TLS from the first byte, rather than when it is asked to.
    pub(crate) fn tls_first(mut self) -> Self {
        self.options["tls_first"] = json!(true);
        self
    }

    pub(crate) async fn open(self) -> Postbox {
        self.start(None).await
    }

    pub(crate) async fn open_as(self, identity: &Identity) -> Postbox {
        self.start(Some(identity)).await
    }

    async fn start(mut self, identity: Option<&Identity>) -> Postbox {
        let directory = tempfile::tempdir().expect("a temporary directory");
        if let Some(identity) = identity {
            let path = directory.path().join("identity.pem");
            std::fs::write(&path, identity.pem()).expect("a temporary directory can be written");
            self.options["identity"] = json!(path);
        }
        let mut process = peers::python_server(PROGRAM, &self.options.to_string()).await;
        process.prints("open").await;
        Postbox { process, _held: self.held, _identity: directory }
    }
}

impl Postbox {
    /// The mail that came as the first, second, …
    pub(crate) async fn mail(&mut self, number: usize) -> Taken {
        let start = format!("mail {number} ");
        let line = self.process.prints(&start).await;
        Taken(serde_json::from_str(line.trim_start_matches(&start)).expect("it prints JSON"))
    }

    /// Everything that it was told so far.
    pub(crate) fn heard(&self) -> String {
        self.process.output()
    }
}

impl Taken {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.0["headers"][name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }

    pub(crate) fn text(&self) -> &str {
        self.0["text"].as_str().expect("a mail of ours is text")
    }
}
