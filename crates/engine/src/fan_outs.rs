//! Makes the deliveries of events with many recipients, a slice at a time. The store rests in between.

use std::sync::Arc;
use std::time::Duration;

use store::fan_outs::Step;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// Pause after the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Fans out events until stopped. A step under way is finished.
pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match ctx.store.fan_out().await {
            Ok(Step::More) => {}
            Ok(Step::Rest) => tokio::select! {
                () = stop.cancelled() => {}
                () = ctx.store.fan_outs_woken() => {}
            },
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "fan-out step failed; it will be repeated");
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = ctx.env.sleep(AFTER_FAILURE) => {}
                }
            }
        }
    }
}
