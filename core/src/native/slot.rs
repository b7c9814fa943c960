//! One result on its way from the driver to the caller who waits for it.

use std::{
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// Returns the two ends of a new slot.
pub(super) fn slot<T>() -> (Fill<T>, Slot<T>) {
    let shared = Arc::new(Shared { state: Mutex::new(State::Empty(None)), filled: Condvar::new() });
    (Fill(Some(Arc::clone(&shared))), Slot(shared))
}

/// The caller's end.
pub(super) struct Slot<T>(Arc<Shared<T>>);

impl<T> Slot<T> {
    /// Waits for the result, but no longer than `span`; `None` if it has not come, or will not.
    pub(super) fn wait_for(&self, span: Duration) -> Option<T> {
        let empty = |state: &mut State<T>| matches!(state, State::Empty(_));
        let waited = self.0.filled.wait_timeout_while(self.0.state(), span, empty);
        waited.unwrap_or_else(PoisonError::into_inner).0.take()
    }

    /// Returns whether the result may still come.
    pub(super) fn is_empty(&self) -> bool {
        matches!(*self.0.state(), State::Empty(_))
    }

    /// Returns the result if it is there, else has `context` woken when it comes.
    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<Option<T>> {
        let mut state = self.0.state();
        let State::Empty(waker) = &mut *state else { return Poll::Ready(state.take()) };
        let stale = match waker {
            Some(waker) if waker.will_wake(context.waker()) => None,
            Some(_) | None => waker.replace(context.waker().clone()),
        };
        // A waker is somebody else's code: it is dropped, as it is woken, without our lock.
        drop(state);
        drop(stale);
        Poll::Pending
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        // Nobody is here to be woken any more.
        let unused = mem::replace(&mut *self.0.state(), State::Lost);
        drop(unused);
    }
}

/// The driver's end. Dropped without a result, it tells the caller that none will come: a driver that ends, however it
/// ends, leaves nobody waiting.
pub(super) struct Fill<T>(Option<Arc<Shared<T>>>);

impl<T> Fill<T> {
    /// Gives the result.
    pub(super) fn fill(mut self, value: T) {
        if let Some(shared) = self.0.take() {
            shared.end(State::Full(value));
        }
    }
}

impl<T> Drop for Fill<T> {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.end(State::Lost);
        }
    }
}

struct Shared<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
}

enum State<T> {
    Empty(Option<Waker>),
    Full(T),
    /// Taken, or never to come.
    Lost,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, end: State<T>) {
        let before = mem::replace(&mut *self.state(), end);
        self.filled.notify_all();
        if let State::Empty(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<T> State<T> {
    fn take(&mut self) -> Option<T> {
        match mem::replace(self, Self::Lost) {
            Self::Full(value) => Some(value),
            empty @ Self::Empty(_) => {
                *self = empty;
                None
            }
            Self::Lost => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Poll, Wake, Waker},
        thread,
        time::Duration,
    };

    use super::slot;

    #[test]
    fn the_result_reaches_the_caller_that_waits() {
        let (fill, slot) = slot();

        let waiting = thread::spawn(move || slot.wait_for(Duration::MAX));
        fill.fill(1);

        assert_eq!(waiting.join().unwrap(), Some(1));
    }

    #[test]
    fn a_lost_end_leaves_nobody_waiting() {
        let (fill, slot) = slot::<u8>();

        let waiting = thread::spawn(move || slot.wait_for(Duration::MAX));
        drop(fill);

        assert_eq!(waiting.join().unwrap(), None);
    }

    #[test]
    fn a_wait_of_no_time_ends_at_once() {
        let (fill, slot) = slot::<u8>();

        assert_eq!(slot.wait_for(Duration::ZERO), None);
        assert!(slot.is_empty());
        drop(fill);
        assert!(!slot.is_empty());
    }

    #[test]
    fn only_the_last_waker_is_woken_and_only_once() {
        let (first, second) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let (fill, slot) = slot();
        assert!(slot.poll(&Context::from_waker(&Waker::from(Arc::clone(&first)))).is_pending());
        let waker = Waker::from(Arc::clone(&second));
        assert!(slot.poll(&Context::from_waker(&waker)).is_pending());
        assert!(slot.poll(&Context::from_waker(&waker)).is_pending());

        fill.fill(1);

        assert_eq!((first.woken(), second.woken()), (0, 1));
        assert_eq!(slot.poll(&Context::from_waker(&waker)), Poll::Ready(Some(1)));
        assert_eq!(slot.poll(&Context::from_waker(&waker)), Poll::Ready(None));
    }

    #[test]
    fn a_waker_may_look_into_the_slot_that_wakes_it() {
        struct Looks(std::sync::Mutex<Option<super::Slot<u8>>>);
        impl Wake for Looks {
            fn wake(self: Arc<Self>) {
                let slot = self.0.lock().unwrap().take().unwrap();
                assert_eq!(slot.wait_for(Duration::ZERO), Some(7));
            }
        }
        let (fill, slot) = slot();
        let looks = Arc::new(Looks(None.into()));
        assert!(slot.poll(&Context::from_waker(&Waker::from(Arc::clone(&looks)))).is_pending());
        *looks.0.lock().unwrap() = Some(slot);

        fill.fill(7);

        assert!(looks.0.lock().unwrap().is_none());
    }

    #[test]
    fn nobody_is_woken_for_a_slot_that_is_gone() {
        let woken = Arc::new(Count::default());
        let (fill, slot) = slot::<u8>();
        assert!(slot.poll(&Context::from_waker(&Waker::from(Arc::clone(&woken)))).is_pending());

        drop(slot);
        fill.fill(1);

        assert_eq!(woken.woken(), 0);
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Count {
        fn woken(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
