//! One connection to a receiver: requests read and recorded, each treated as the script says.

use std::convert::Infallible;
use std::future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, server};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::behaviour::{Behaviour, OPENING, Reply};
use crate::record::{Received, Record};

/// The treatment of the requests that come to a receiver.
pub(crate) enum Script {
    /// One after the other, then the last again and again.
    Steps(Vec<Behaviour>),
    Decided(Box<dyn Fn(&Received) -> Behaviour + Send + Sync>),
}

pub(crate) async fn accept_all(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    script: Arc<Script>,
    record: Arc<Record>,
) {
    let mut connections = JoinSet::new();
    let steps = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        record.connected();
        let (ending, _) = mpsc::unbounded_channel();
        let host = Host { script: script.clone(), steps: steps.clone(), record: record.clone(), ending };
        let tls = tls.clone();
        connections.spawn(async move {
            let record = host.record.clone();
            converse(stream, tls, host).await;
            record.disconnected();
        });
    }
}

async fn converse(stream: TcpStream, tls: Option<TlsAcceptor>, host: Host) {
    _ = stream.set_nodelay(true);
    match tls {
        None => http1(stream, host).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => http2(stream, host).await,
            Ok(stream) => http1(stream, host).await,
            Err(_) => {} // the client did not like the certificate, which is its good right
        },
    }
}

/// Serves until the client leaves or the script ends it.
async fn http1<S: Socket>(stream: S, mut host: Host) {
    let mut endings = host.endings();
    let service = service_fn(move |request| host.clone().answer(request));
    let mut connection = server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let ending = tokio::select! {
        biased; // what was answered is written before the connection is ended
        _ = &mut connection => return,
        ending = endings.recv() => ending,
    };
    let stream = connection.into_parts().io.into_inner();
    match ending {
        Some(Ending::Reset) => stream.reset_when_dropped(),
        Some(Ending::Say(bytes)) => say(stream, &bytes).await,
        Some(Ending::Close) | None => {}
    }
}

async fn say<S: Socket>(mut stream: S, bytes: &[u8]) {
    _ = stream.write_all(bytes).await;
    _ = stream.shutdown().await;
}

async fn http2(stream: TlsStream<TcpStream>, mut host: Host) {
    let mut endings = host.endings();
    let service = service_fn(move |request| host.clone().answer(request));
    let connection =
        server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        _ = connection => {}
        _ = endings.recv() => {}
    }
}

/// The end of a connection by the receiver.
enum Ending {
    Close,
    Reset,
    Say(Vec<u8>),
}

trait Socket: AsyncRead + AsyncWrite + Unpin {
    fn reset_when_dropped(&self);
}

impl Socket for TcpStream {
    fn reset_when_dropped(&self) {
        _ = self.set_zero_linger();
    }
}

impl Socket for TlsStream<TcpStream> {
    fn reset_when_dropped(&self) {
        self.get_ref().0.reset_when_dropped();
    }
}

/// The answering side of one connection.
#[derive(Clone)]
struct Host {
    script: Arc<Script>,
    steps: Arc<AtomicUsize>,
    record: Arc<Record>,
    ending: mpsc::UnboundedSender<Ending>,
}

impl Host {
    fn endings(&mut self) -> mpsc::UnboundedReceiver<Ending> {
        let (ending, endings) = mpsc::unbounded_channel();
        self.ending = ending;
        endings
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Speech>, hyper::Error> {
        let request = read(request).await?;
        let mut behaviour = self.next(&request);
        self.record.received(request);
        while let Behaviour::Delay(wait, then) = behaviour {
            pause(wait).await;
            behaviour = *then;
        }
        Ok(match behaviour {
            Behaviour::Status(status) => self.say(Reply::status(status)),
            Behaviour::Reply(reply) => self.say(reply),
            Behaviour::RedirectTo(location) => self.say(Reply::status(302).header("location", &location)),
            Behaviour::EndlessBody => self.begin(Speech::Endless),
            Behaviour::StallInBody => self.begin(Speech::Opening { then: None, said: false }),
            Behaviour::ResetInBody => self.begin(Speech::Opening { then: Some(self.ending.clone()), said: false }),
            Behaviour::HangBeforeHeaders | Behaviour::Delay(..) => future::pending().await,
            Behaviour::Close => self.end(Ending::Close).await,
            Behaviour::Reset => self.end(Ending::Reset).await,
            Behaviour::Garbage => self.end(Ending::Say(b"220 mail.example ESMTP\r\n".to_vec())).await,
            Behaviour::Raw(bytes) => self.end(Ending::Say(bytes)).await,
        })
    }

    fn next(&self, request: &Received) -> Behaviour {
        match &*self.script {
            Script::Steps(steps) => {
                let step = self.steps.fetch_add(1, Ordering::Relaxed);
                steps[step.min(steps.len() - 1)].clone()
            }
            Script::Decided(decide) => decide(request),
        }
    }

    fn say(&self, reply: Reply) -> Response<Speech> {
        self.record.answered(reply.status);
        let mut response = Response::builder().status(reply.status);
        for (name, value) in &reply.headers {
            response = response.header(name, value);
        }
        response.body(Speech::Whole(Some(reply.body.into()))).expect("the test's reply is valid HTTP")
    }

    fn begin(&self, speech: Speech) -> Response<Speech> {
        self.record.answered(200);
        Response::new(speech)
    }

    /// The connection's task takes it from here and drops this one.
    async fn end(&self, ending: Ending) -> Response<Speech> {
        _ = self.ending.send(ending);
        future::pending().await
    }
}

async fn read(request: Request<Incoming>) -> Result<Received, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Received {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        body,
        version: head.version,
        at: arrival(),
    })
}

#[expect(clippy::disallowed_methods, reason = "when a request really arrived, whatever the test's clock says")]
fn arrival() -> std::time::Instant {
    std::time::Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a receiver's slowness is real; the gateway's clock must not know of it")]
fn pause(wait: std::time::Duration) -> tokio::time::Sleep {
    tokio::time::sleep(wait)
}

/// A body as it is sent.
enum Speech {
    Whole(Option<Bytes>),
    Endless,
    Opening { then: Option<mpsc::UnboundedSender<Ending>>, said: bool },
}

impl Body for Speech {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = |bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        match self.get_mut() {
            Self::Whole(body) => body.take().map_or(Poll::Ready(None), frame),
            Self::Endless => frame(Bytes::from_static(&[b'.'; 1024])),
            Self::Opening { said: said @ false, .. } => {
                *said = true;
                frame(Bytes::from_static(OPENING.as_bytes()))
            }
            Self::Opening { then, .. } => {
                then.take().map(|ending| ending.send(Ending::Reset));
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None)) || matches!(self, Self::Whole(Some(body)) if body.is_empty())
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Whole(body) => hyper::body::SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64)),
            Self::Endless | Self::Opening { .. } => hyper::body::SizeHint::default(),
        }
    }
}
