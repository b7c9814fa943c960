//! Notices when the first byte of a request leaves: from then on its refresh token may be spent. And keeps its time.

use core::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use std::sync::Arc;

use ureq::{
    Error, Timeout,
    http::Uri,
    unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport},
};

use super::sys;

/// Stands outside the TLS layer, so that a handshake that fails counts as nothing sent.
#[derive(Debug)]
pub(super) struct MarkSent {
    /// The connection that is looked at. A proxy is reached by one of its own, over which no secret goes in the clear.
    pub(super) target: Uri,
    /// Set before the first byte is handed over.
    pub(super) sent: Arc<AtomicBool>,
    /// When the time for all of it is up, on the monotonic clock. The client keeps no time of its own beyond the connection:
    /// it would not look at an answer that lies there when the process wakes up too late.
    pub(super) deadline: Duration,
}

impl<In: Transport> Connector<In> for MarkSent {
    type Out = Marked<In>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Marked<In>>, Error> {
        let sent = (*details.uri == self.target).then(|| Arc::clone(&self.sent));
        Ok(chained.map(|inner| Marked { inner, sent, deadline: self.deadline, late: 0 }))
    }
}

/// A connection that tells when the first byte leaves.
#[derive(Debug)]
pub(super) struct Marked<In> {
    inner: In,
    sent: Option<Arc<AtomicBool>>,
    deadline: Duration,
    /// How often input was asked for after the time was up.
    late: u32,
}

/// The time in which something that has arrived already can be read.
const AT_ONCE: Duration = Duration::from_millis(50);
/// Enough reads for the largest answer, and an end for one that trickles.
const LATE_READS: u32 = 64;

impl<In: Transport> Marked<In> {
    /// Returns what is left of the time; an error when it is up.
    fn left(&self, timeout: NextTimeout) -> Result<NextTimeout, Error> {
        let left = self.deadline.saturating_sub(sys::now().mono);
        if left.is_zero() {
            return Err(Error::Timeout(Timeout::Global));
        }
        Ok(NextTimeout { after: timeout.after.min(left.into()), ..timeout })
    }
}

impl<In: Transport> Transport for Marked<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        // The end of a request that was sent whole: what comes of it is told by the answer.
        let timeout = if amount > 0 { self.left(timeout)? } else { timeout };
        if amount > 0
            && let Some(sent) = &self.sent
        {
            sent.store(true, Ordering::Release);
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        match self.left(timeout).and_then(|timeout| self.inner.await_input(timeout)) {
            // The time is up, but the process may have stood still (a closed laptop, SIGSTOP): what arrived meanwhile is
            // taken, as long as it is there at once.
            Err(Error::Timeout(_)) if self.late < LATE_READS => {
                self.late += 1;
                self.inner.await_input(NextTimeout { after: AT_ONCE.into(), ..timeout })
            }
            other => other,
        }
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

#[cfg(test)]
#[path = "sent_tests.rs"]
mod tests;
