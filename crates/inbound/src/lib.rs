//! Incoming webhooks: the provider's adapter verifies a request, normalises what it says, and words the answer. Pure.
//!
//! An adapter is made of one source's configuration. It is asked in this order, before and after one commit:
//!
//! ```text
//! request ─► verify ─ Refused ──────────────────────────► answer
//!              │ Handshake ──────────────────────────────► answer
//!              └ Authentic ─► normalise ─ items ─► commit ─► answer
//! ```

pub mod adapter;
pub mod item;
pub mod request;
pub mod verdict;

pub use self::adapter::{Adapter, Answer};
pub use self::item::Item;
pub use self::request::Request;
pub use self::verdict::{Reason, Refusal, Verdict};
