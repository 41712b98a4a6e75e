//! A heartbeat that a worker pool gives.

use super::error::HeartbeatError;
use super::heartbeat::HeartbeatBuilder;
use crate::drain::Pool;
use crate::lock::Mutex;

impl HeartbeatBuilder {
    /// Starts a heartbeat for `pool`. Each job that begins or ends is a tick, and the heartbeat
    /// is paused while the pool has no job. So the heartbeat is late if jobs run, but none has
    /// begun or ended for the interval.
    ///
    /// A job that hangs while other jobs go on causes no stall. A single job that takes longer
    /// than the interval does: choose an interval well above the longest job. The report shows
    /// the thread that began a job last.
    ///
    /// deadstop watches the pool as long as it exists. A pool has one heartbeat: a second call
    /// for it starts none.
    ///
    /// # Errors
    ///
    /// Fails as [`start`](Self::start) does. Nothing is watched then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let pool = shutdown.pool("mailer").threads(10).start()?;
    /// let beat = shutdown.heartbeat("mailer").every(Duration::from_secs(60));
    /// beat.watch_pool(&pool)?;
    /// # let _ = shutdown.finish();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watch_pool(self, pool: &Pool) -> Result<(), HeartbeatError> {
        let heartbeat = self.start()?;
        // The pause that lasts while the pool has no job.
        let paused = Mutex::new(heartbeat.begin_pause());
        pool.set_pulse(Box::new(move |is_busy| {
            let mut paused = paused.lock();
            match (is_busy, paused.take()) {
                (true, Some(pause)) => heartbeat.end_section(pause),
                (true, None) => heartbeat.tick(),
                (false, Some(pause)) => *paused = Some(pause),
                (false, None) => *paused = heartbeat.begin_pause(),
            }
        }));
        Ok(())
    }
}
