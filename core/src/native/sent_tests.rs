//! The time of a request, on a connection that is made up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    vec::Vec,
};

use ureq::{
    Error, Timeout,
    unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport, time::Duration as Span},
};

use super::{super::sys, AT_ONCE, Duration, LATE_READS, Marked};

/// Answers each read at once, and notes the time that it was given.
#[derive(Debug)]
struct Made {
    buffers: LazyBuffers,
    given: Vec<Span>,
    written: usize,
}

impl Transport for Made {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        self.written += amount;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.given.push(timeout.after);
        Ok(true)
    }

    fn is_open(&mut self) -> bool {
        true
    }
}

fn marked(deadline: Duration) -> (Marked<Made>, Arc<AtomicBool>) {
    let sent = Arc::new(AtomicBool::new(false));
    let inner = Made { buffers: LazyBuffers::new(1024, 1024), given: Vec::new(), written: 0 };
    (Marked { inner, sent: Some(Arc::clone(&sent)), deadline, late: 0 }, sent)
}

/// What the client says of time: nothing.
fn endless() -> NextTimeout {
    NextTimeout { after: Span::NotHappening, reason: Timeout::RecvResponse, per_read: None, per_write: None }
}

#[test]
fn answer_that_is_there_is_read_after_the_time_is_up() {
    let (mut connection, _) = marked(Duration::ZERO);

    for _ in 0..LATE_READS {
        assert!(connection.await_input(endless()).unwrap());
    }

    assert_eq!(connection.inner.given, [Span::from(AT_ONCE); LATE_READS as usize]);
    // An end for an answer that trickles.
    assert!(matches!(connection.await_input(endless()), Err(Error::Timeout(Timeout::Global))));
}

#[test]
fn request_whose_time_is_up_is_not_sent() {
    let (mut connection, sent) = marked(Duration::ZERO);

    assert!(matches!(connection.transmit_output(10, endless()), Err(Error::Timeout(Timeout::Global))));

    assert_eq!((connection.inner.written, sent.load(Ordering::Acquire)), (0, false));
}

#[test]
fn the_end_of_a_request_that_was_sent_whole_is_no_reason_to_give_up() {
    let (mut connection, _) = marked(Duration::ZERO);

    connection.transmit_output(0, endless()).unwrap();
}

#[test]
fn read_gets_what_is_left_of_the_time() {
    let (mut connection, _) = marked(sys::now().mono + Duration::from_secs(30));

    connection.await_input(endless()).unwrap();

    let given = connection.inner.given[0];
    assert!(given <= Span::from(Duration::from_secs(30)) && given > Span::from(Duration::ZERO), "{given:?}");
}
