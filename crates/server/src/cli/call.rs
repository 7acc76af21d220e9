//! A call: what a command asks of the server, and how the answer is shown.

use std::collections::BTreeMap;

use hyper::Method;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::Request;

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub request: Request,
    pub view: View,
    /// Asked at a terminal before anything is done.
    pub question: Option<String>,
    /// Whether an answer with 2xx means that the command failed all the same.
    pub is_no: Option<fn(&Value) -> bool>,
}

/// One thing to be deleted.
#[derive(Debug, clap::Args)]
pub(crate) struct Deleted {
    /// Its id or name
    #[arg(value_parser = super::typed::id)]
    pub(super) id: String,
    /// Do not ask first
    #[arg(long, short = 'y')]
    pub(super) yes: bool,
}

#[derive(Clone, Debug)]
pub(super) enum View {
    /// Items in a table, page after page.
    List { columns: &'static [Column], paging: Paging },
    /// One object, all its fields or some.
    One { inside: Option<&'static str>, fields: Option<&'static [&'static str]>, note: Option<&'static str> },
    /// A few words are enough: `deleted ep_…`.
    Done { verb: &'static str, id: String },
}

/// Everything that came.
pub(super) const WHOLE: View = View::One { inside: None, fields: None, note: None };

/// A column of a table, and the members that it is read from: the first that is there.
#[derive(Debug)]
pub(super) struct Column {
    pub title: &'static str,
    pub members: &'static [&'static str],
}

/// How much of a list is wanted.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Paging {
    /// Most items to list
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on where an earlier list ended
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
}

impl Paging {
    pub(super) fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }
}

impl Call {
    pub(super) fn get(segments: &[&str]) -> Self {
        Self::new(Request::new(Method::GET, segments), WHOLE)
    }

    pub(super) fn new(request: Request, view: View) -> Self {
        Self { request, view, question: None, is_no: None }
    }

    pub(super) fn post(segments: &[&str], body: Option<RequestBody>) -> Self {
        Self::with_body(Method::POST, segments, body)
    }

    pub(super) fn patch(segments: &[&str], body: RequestBody) -> Self {
        Self::with_body(Method::PATCH, segments, Some(body))
    }

    /// `verb` says afterwards what was done.
    pub(super) fn delete(segments: [&str; 2], verb: &'static str) -> Self {
        let view = View::Done { verb, id: segments[1].to_owned() };
        Self::new(Request::new(Method::DELETE, &segments), view)
    }

    /// Deletes, after a question at a terminal. `consequence` is what cannot be undone.
    pub(super) fn ask_and_delete(kind: &str, deleted: &Deleted, verb: &'static str, consequence: &str) -> Self {
        let Deleted { id, yes } = deleted;
        let question = (!yes).then(|| format!("{id}: {consequence} Go on?"));
        Self { question, ..Self::delete([kind, id], verb) }
    }

    pub(super) fn list(segments: &[&str], columns: &'static [Column], paging: &Paging) -> Self {
        Self::new(Request::new(Method::GET, segments), View::List { columns, paging: paging.clone() })
    }

    fn with_body(method: Method, segments: &[&str], body: Option<RequestBody>) -> Self {
        let request = Request::new(method, segments);
        Self::new(body.into_iter().fold(request, |request, body| request.with_body(body.to_string())), WHOLE)
    }

    #[must_use]
    pub(super) fn query(self, name: &str, value: Option<impl ToString>) -> Self {
        Self { request: self.request.with_query(name, value), ..self }
    }

    #[must_use]
    pub(super) fn header(self, name: &'static str, value: Option<String>) -> Self {
        Self { request: self.request.with_header(name, value), ..self }
    }

    /// `is_no` looks at an answer with 2xx: whether the command failed all the same.
    #[must_use]
    pub(super) fn unless(self, is_no: fn(&Value) -> bool) -> Self {
        Self { is_no: Some(is_no), ..self }
    }

    #[must_use]
    pub(super) fn view(self, view: View) -> Self {
        Self { view, ..self }
    }
}

/// A JSON object in the making. Members that are JSON already stay as they were written.
#[derive(Default)]
pub(super) struct RequestBody(BTreeMap<&'static str, Box<RawValue>>);

impl RequestBody {
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        self.0.insert(name, serde_json::value::to_raw_value(&value).expect("what is typed here is JSON"));
        self
    }

    #[must_use]
    pub(super) fn with_some(self, name: &'static str, value: Option<impl Serialize>) -> Self {
        value.into_iter().fold(self, |body, value| body.with(name, value))
    }
}

impl std::fmt::Display for RequestBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).expect("the members are JSON and the names are text"))
    }
}
