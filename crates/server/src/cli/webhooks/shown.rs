//! How webhooks are shown, and what is said beside.

use serde_json::Value;

use crate::cli::call::{Column, View};

pub(super) const COLUMNS: &[Column] = &[
    Column { title: "ID", members: &["id"] },
    Column { title: "NAME", members: &["name"] },
    Column { title: "STATUS", members: &["status"] },
    Column { title: "FAILURES", members: &["failure_count"] },
    Column { title: "URL", members: &["url"] },
    Column { title: "EVENTS", members: &["events"] },
    Column { title: "TENANT", members: &["tenant"] },
];

pub(super) const REGISTERED: View = View::One {
    inside: None,
    fields: Some(&["id", "secret", "public_key", "status"]),
    note: Some("The secret is not shown again: keep it where the receiver finds it."),
};

pub(super) const ROTATED: View = View::One { inside: None, fields: None, note: Some("The secret is not shown again.") };

pub(super) const PAUSED: View = View::One {
    inside: None,
    fields: None,
    note: Some(
        "Pending deliveries wait. Events that are sent meanwhile are not kept for it: once it is resumed, \
         `posthaste webhooks recover ID --since TIME --only missed` sends them.",
    ),
};

pub(super) const RESUMED: View = View::One {
    inside: None,
    fields: None,
    note: Some(
        "Events that were sent while it was paused or disabled were not kept for it: \
         `posthaste webhooks recover ID --since TIME --only missed` sends them.",
    ),
};

pub(super) const TESTED: View = View::One { inside: Some("delivery"), fields: None, note: None };

pub(super) fn was_not_acknowledged(tested: &Value) -> bool {
    tested["delivery"]["status"] != "delivered"
}
