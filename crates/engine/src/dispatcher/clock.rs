//! The wall clock, which may be set while the engine runs.
//!
//! Waits are slept through on the stopwatch. But the time of a delivery's next attempt is stored as a time of the wall
//! clock, which means another moment after the clock was set. So each check compares both clocks. When the wall clock
//! went back, what waits is brought forward by as much; when it went ahead, what is due by it goes. Either way the
//! timers are set anew.

use std::time::Duration;

use super::{Dispatcher, clock_reading};
use crate::in_flight::TaskReport;

/// Smallest jump, in milliseconds, that counts as setting the clock. Smaller ones are gradual corrections.
const SET: u64 = 1_000;

impl Dispatcher {
    pub(super) fn look_at_the_clock(&mut self) {
        let (now, ahead) = clock_reading::read(&*self.ctx.env);
        self.now = now;
        if ahead.abs_diff(self.ahead) >= SET {
            let set_by = ahead - self.ahead;
            self.ahead = ahead;
            self.take_setting(set_by);
        }
    }

    fn take_setting(&mut self, set_by: i64) {
        tracing::warn!(clock.set_by_ms = set_by, "wall clock was set");
        self.lanes.values_mut().for_each(|lane| lane.clock_was_set(set_by));
        self.alarm = None;
        if set_by >= 0 {
            return;
        }
        self.scan_at = self.scan_at.map(|at| at.shifted(set_by));
        self.under_way += 1;
        let (store, reports, by) = (self.ctx.store.clone(), self.reports.clone(), set_by.unsigned_abs());
        self.tasks.spawn(async move {
            let brought_forward = store.bring_forward(Duration::from_millis(by)).await;
            let _ = reports.send(TaskReport::BroughtForward(brought_forward));
        });
    }

    /// Scans again: the database has other times than the timers were set by.
    pub(super) fn take_brought_forward(&mut self, brought_forward: Result<(), store::Error>) {
        self.under_way -= 1;
        if let Err(error) = brought_forward {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "clock went back; waiting deliveries may be late by as much");
        }
        self.scan_pending();
    }
}
