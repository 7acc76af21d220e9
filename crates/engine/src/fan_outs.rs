//! Makes the deliveries of events with many recipients, a slice at a time. The store rests in between.

use std::sync::Arc;
use std::time::Duration;

use store::fan_outs::Step;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// How long to leave the store alone after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Fans out what there is until told to stop. A step under way is finished.
pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match ctx.store.fan_out().await {
            Ok(Step::More) => {}
            Ok(Step::Rest) => tokio::select! {
                () = stop.cancelled() => {}
                () = ctx.store.fan_outs_woken() => {}
            },
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "deliveries of an event could not be made and will be later"
                );
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = ctx.env.sleep(AFTER_FAILURE) => {}
                }
            }
        }
    }
}
