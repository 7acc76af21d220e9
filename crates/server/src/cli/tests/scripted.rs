//! A server on a real socket that answers what it is told to, and remembers what it was asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};

/// One request, as it came.
#[derive(Debug)]
pub(super) struct Asked {
    /// `GET /v1/events`
    pub line: String,
    pub headers: String,
    pub body: String,
}

pub(super) struct Scripted {
    pub url: String,
    asked: Receiver<Asked>,
}

impl Scripted {
    /// Gives these answers, a status and a body each, one after the other.
    pub(super) fn new<const N: usize>(answers: [(u16, &str); N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = answers.map(|(status, body)| (status, body.to_owned()));
        let (tell, asked) = mpsc::channel();
        std::thread::spawn(move || {
            for (status, body) in answers {
                let (stream, _) = listener.accept().unwrap();
                let mut stream = BufReader::new(stream);
                tell.send(read(&mut stream)).unwrap();
                let length = body.len();
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                stream.get_mut().write_all((head + &body).as_bytes()).unwrap();
            }
        });
        Self { url, asked }
    }

    /// The next request that came.
    pub(super) fn asked(&self) -> Asked {
        self.asked.try_recv().expect("a request was made")
    }
}

fn read(stream: &mut impl std::io::BufRead) -> Asked {
    let lines: Vec<String> = stream.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
    let length = lines.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    Asked {
        line: lines[0].trim_end_matches(" HTTP/1.1").to_owned(),
        headers: lines[1..].join("\n").to_lowercase(),
        body: String::from_utf8(body).unwrap(),
    }
}
