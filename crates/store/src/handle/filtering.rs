//! Evaluates filters on the way to a commit, before the writer has it.

use model::event::Event;

use crate::Store;
use crate::filtering::FilterResults;

impl Store {
    /// Evaluates all filters that `event` meets, as of now. Does nothing for an event that meets none.
    pub(crate) async fn filter_results(&self, event: &Event) -> FilterResults {
        let directory = self.directory().clone();
        // Every event passes here, and few meet a filter: the future that evaluates is made, in its box, for those
        // alone.
        if directory.filtering(event).next().is_none() {
            return FilterResults::default();
        }
        Box::pin(FilterResults::in_turns(&directory, event)).await
    }
}
