//! The query of a request: what it asks for, every fault in it, and pages of lists.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use model::id::{Id, Kind};
use model::invalid::Faults;
use model::rejection::judged;
use serde::Serialize;
use store::search::{Cursor, Page, Paging};
use utoipa::ToSchema;

use crate::problem::Problem;

/// Items on a page where nothing is said, and at most.
pub const USUAL_PAGE: usize = 50;
pub const LARGEST_PAGE: usize = 250;

/// Parameters that are read. No route takes half as many.
const MOST_PARAMETERS: usize = 100;

/// The parameters of a query that were not taken yet, and what was wrong with those that were.
pub struct Query {
    parameters: Vec<(String, String)>,
    faults: Faults,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let mut asked = Self { parameters: Vec::new(), faults: Faults::default() };
        for (name, text) in form_urlencoded::parse(query.as_bytes()).take(MOST_PARAMETERS) {
            if name.contains('\0') || text.contains('\0') {
                asked.faults.add(
                    pointer(&name.replace('\0', "")),
                    "has the character U+0000 (%00), which no text may have: leave it out",
                );
                continue;
            }
            asked.parameters.push((name.into_owned(), text.into_owned()));
        }
        Ok(asked)
    }
}

impl Query {
    /// A parameter by its name, if it is there and reads as what it should be.
    pub fn take<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        self.take_with(name, |text| text.parse::<T>())
    }

    /// All parameters whose names begin with `prefix`, by the rest of their names.
    pub fn take_all(&mut self, prefix: &str) -> Vec<(String, String)> {
        let named = |(name, _): &mut (String, String)| name.strip_prefix(prefix).is_some_and(|key| !key.is_empty());
        let taken = self.parameters.extract_if(.., named);
        taken.map(|(name, text)| (name[prefix.len()..].to_owned(), text)).collect()
    }

    pub fn take_with<T, E: Display>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let at = self.parameters.iter().position(|(own, _)| own == name)?;
        let (_, text) = self.parameters.swap_remove(at);
        let read = read(&text).map_err(|error| error.to_string());
        self.faults.check(&pointer(name), read)
    }

    /// How many are asked for, `usual` where nothing is said.
    pub fn limit(&mut self, usual: usize) -> usize {
        let limit = self.take_with("limit", |text| {
            let limit = text.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
            limit.ok_or_else(|| format!("a limit is a number from 1 to {LARGEST_PAGE}"))
        });
        limit.unwrap_or(usual)
    }

    pub fn paging(&mut self) -> Paging {
        let limit = self.limit(USUAL_PAGE);
        let after = self.take_with("cursor", |text| {
            Cursor::parse(text).ok_or("not a cursor: send the next_cursor of the page before as it came")
        });
        Paging { limit, after }
    }

    /// What is left is not known, or came twice.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in self.parameters {
            self.faults.add(pointer(&name), "is not a parameter here, or was given twice");
        }
        Ok(judged(self.faults)?)
    }
}

fn pointer(name: &str) -> String {
    format!("?{}", name.chars().take(80).collect::<String>())
}

/// A page of a list, newest first.
#[derive(Serialize, ToSchema)]
pub struct Listed<T> {
    pub data: Vec<T>,
    /// Send it as `cursor` to get the next page; `null` on the last.
    #[schema(required = true, example = json!(null))]
    pub next_cursor: Option<String>,
}

impl<T> Listed<T> {
    pub fn of<U>(page: Page<U>, view: impl FnMut(U) -> T) -> Self {
        let next_cursor = page.next.map(|cursor| cursor.to_string());
        Self { data: page.items.into_iter().map(view).collect(), next_cursor }
    }
}

/// Takes a page of what is in memory, newest first.
pub fn page_of<T, K: Kind>(items: impl Iterator<Item = T>, id: impl Fn(&T) -> Id<K>, paging: Paging) -> Page<T> {
    let after = paging.after.map(|cursor| cursor.to_string());
    let after = after.and_then(|text| data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok());
    let mut items: Vec<T> = items
        .filter(|item| after.as_ref().is_none_or(|after| id(item).as_bytes().as_slice() < after.as_slice()))
        .collect();
    let has_more = items.len() > paging.limit;
    let newest_first = |item: &T| std::cmp::Reverse(id(item));
    if has_more {
        // Those of the page come to the front, and only they are sorted.
        items.select_nth_unstable_by_key(paging.limit, newest_first);
        items.truncate(paging.limit);
    }
    items.sort_unstable_by_key(newest_first);
    let last = items.last().filter(|_| has_more).map(|item| *id(item).as_bytes());
    let next = last.and_then(|bytes| Cursor::parse(&data_encoding::BASE64URL_NOPAD.encode(&bytes)));
    Page { items, next }
}
