//! Evaluates endpoints' filters before the commit where possible: the writer thread is shared.
//!
//! A filter that fails does not lose the event: it is delivered, and the delivery says why it was made.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use model::endpoint::Endpoint;
use model::event::Event;
use model::filter::{Effort, Filter, Subject};
use model::id::EndpointId;
use model::map::Map;

use crate::directory::Directory;

/// Filters evaluated before other tasks of this process get a turn.
pub(crate) const TURN: usize = 8;

/// True if the filter lets an event through; an error says why it could not be evaluated.
type FilterResult = Result<bool, String>;

/// Filter results of one event, each with its endpoint as it was then.
#[derive(Debug, Default)]
pub(crate) struct FilterResults(Map<EndpointId, (Arc<Endpoint>, FilterResult)>);

/// An endpoint that gets an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) endpoint: EndpointId,
    /// Reason for the delivery if the endpoint's filter could not be evaluated.
    pub(crate) note: Option<String>,
}

/// The next active endpoints that `event` is for, in the order of their ids, at most `count`.
pub(crate) fn stretch(
    directory: &Directory,
    event: &Event,
    after: Option<EndpointId>,
    count: usize,
) -> Vec<Arc<Endpoint>> {
    let behind = |endpoint: &&Arc<Endpoint>| after.is_none_or(|after| endpoint.id > after);
    let mut stretch: Vec<_> = directory.matching(event).filter(behind).collect();
    stretch.sort_unstable_by_key(|endpoint| endpoint.id);
    stretch.into_iter().take(count).cloned().collect()
}

impl FilterResults {
    /// Evaluates all filters that `event` meets, and lets other tasks run in between.
    pub(crate) async fn in_turns(directory: &Directory, event: &Event) -> Self {
        let asked: Vec<Arc<Endpoint>> = directory.filtering(event).cloned().collect();
        let mut filter_results = Self::default();
        let subject = Subject::of(event);
        for turn in asked.chunks(TURN) {
            turn.iter().for_each(|endpoint| filter_results.ask(endpoint, &subject));
            // Also after a short turn: the event may be one of many.
            tokio::task::yield_now().await;
        }
        filter_results
    }

    pub(crate) fn of(directory: &Directory, event: &Event) -> Self {
        let mut filter_results = Self::default();
        let subject = Subject::of(event);
        directory.filtering(event).for_each(|endpoint| filter_results.ask(endpoint, &subject));
        filter_results
    }

    /// Evaluates the filters of these endpoints.
    pub(crate) fn among(endpoints: &[Arc<Endpoint>], event: &Event) -> Self {
        let mut filter_results = Self::default();
        let subject = Subject::of(event);
        endpoints.iter().for_each(|endpoint| filter_results.ask(endpoint, &subject));
        filter_results
    }

    fn ask(&mut self, endpoint: &Arc<Endpoint>, subject: &Subject<'_>) {
        if let Some(filter) = &endpoint.settings.filter {
            let answer = filter.passes(subject, Effort::Calm);
            self.0.insert(endpoint.id, (endpoint.clone(), answer));
        }
    }

    /// The recipients of `event` by these results. A filter that has changed since is evaluated again.
    pub(crate) fn recipients(&self, directory: &Directory, event: &Event) -> Vec<Recipient> {
        self.recipients_among(directory.matching(event), event)
    }

    /// The same among `matching`, the endpoints that the event is for.
    pub(crate) fn recipients_among<'a>(
        &self,
        matching: impl Iterator<Item = &'a Arc<Endpoint>>,
        event: &Event,
    ) -> Vec<Recipient> {
        let subject = Subject::of(event);
        let recipient = |endpoint: &Arc<Endpoint>| {
            let note = match &endpoint.settings.filter {
                None => None,
                Some(filter) => evaluated(&self.answer(endpoint, filter, &subject))?,
            };
            Some(Recipient { endpoint: endpoint.id, note })
        };
        matching.filter_map(recipient).collect()
    }

    fn answer(&self, endpoint: &Arc<Endpoint>, filter: &Filter, subject: &Subject<'_>) -> FilterResult {
        let same_filter = |then: &Endpoint| then.settings.filter == endpoint.settings.filter;
        let known = self.0.get(&endpoint.id).filter(|(then, _)| Arc::ptr_eq(then, endpoint) || same_filter(then));
        known.map_or_else(|| filter.passes(subject, Effort::Hurried), |(_, answer)| answer.clone())
    }
}

/// `Some` if a delivery is made, with its note.
fn evaluated(answer: &FilterResult) -> Option<Option<String>> {
    match answer {
        Ok(true) => Some(None),
        Ok(false) => None,
        Err(why) => Some(Some(format!("the filter failed: {why}"))),
    }
}

/// Results of one endpoint's filter for many events, by their keys.
#[derive(Debug)]
pub(crate) struct Review<K> {
    endpoint: Arc<Endpoint>,
    answers: HashMap<K, FilterResult>,
}

/// The result of a review for one event.
#[derive(Debug)]
pub(crate) enum ReviewOutcome {
    /// The endpoint wants the event. A note says why it gets it although its filter could not be evaluated.
    Wanted(Option<String>),
    Unwanted,
    /// The filter was not evaluated for this event.
    Unknown,
}

impl<K: Copy + Eq + Hash> Review<K> {
    pub(crate) fn of(endpoint: Arc<Endpoint>) -> Self {
        Self { endpoint, answers: HashMap::new() }
    }

    /// Number of events that the filter was evaluated for.
    pub(crate) fn len(&self) -> usize {
        self.answers.len()
    }

    /// Evaluates the filter for an event, and keeps the result.
    pub(crate) fn ask(&mut self, key: K, event: &Event) -> ReviewOutcome {
        if let Some(filter) = &self.endpoint.settings.filter {
            self.answers.insert(key, filter.passes(&Subject::of(event), Effort::Calm));
        }
        self.about(&self.endpoint, key)
    }

    /// The result for an event, for the endpoint as it is now.
    pub(crate) fn about(&self, endpoint: &Arc<Endpoint>, key: K) -> ReviewOutcome {
        if endpoint.settings.filter.is_none() {
            return ReviewOutcome::Wanted(None);
        }
        let answer = self.answers.get(&key).filter(|_| Arc::ptr_eq(&self.endpoint, endpoint));
        match answer.map(evaluated) {
            None => ReviewOutcome::Unknown,
            Some(Some(note)) => ReviewOutcome::Wanted(note),
            Some(None) => ReviewOutcome::Unwanted,
        }
    }
}
