//! Verbs about faults of this machine.

use model::local_fault::LocalFault;

use crate::Store;
use crate::local_faults::Seen;

impl Store {
    /// Notes that a fault of this machine stopped a delivery. It is logged, at most once in half a minute, and shown by
    /// `GET /v1/cluster` and `posthaste doctor`.
    pub fn note_local_fault(&self, fault: LocalFault) {
        if let Some(deliveries) = self.faults().note(fault, self.now(), self.elapsed()) {
            tracing::warn!(
                fault = fault.code(),
                deliveries,
                remedy = fault.remedy(),
                "{fault}: deliveries wait and are tried again, and no attempt is counted"
            );
        }
    }

    /// The faults that stopped deliveries since this process started.
    pub(crate) fn local_faults(&self) -> Vec<Seen> {
        self.faults().seen()
    }
}
