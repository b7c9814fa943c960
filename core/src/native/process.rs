//! What a process has for itself: a forked child never touches its parent's.

use std::{boxed::Box, mem, sync::OnceLock};

use super::sys;

/// A value that each process makes for itself.
///
/// After a fork the parent's value lies in the child's memory with every lock as it stood, held for ever by threads
/// that the child does not have. The child finds no value here, makes its own, and neither reads nor drops the old one.
pub(super) struct PerProcess<T> {
    /// How many forks lie between the first process and the one this value belongs to.
    generation: u64,
    value: OnceLock<T>,
    /// The place of the first child that needed one; a child of that child goes one further.
    child: OnceLock<Box<Self>>,
}

impl<T> PerProcess<T> {
    /// Returns an empty place for the process that is at `generation`.
    pub(super) const fn new(generation: u64) -> Self {
        Self { generation, value: OnceLock::new(), child: OnceLock::new() }
    }

    /// Returns this process's value, if it has one. One load where no fork happened.
    #[inline]
    pub(super) fn get(&self) -> Option<&T> {
        self.at(sys::fork_generation())
    }

    /// Returns this process's value, which is `value` if there was none.
    pub(super) fn get_or(&self, value: T) -> &T {
        self.place(sys::fork_generation()).value.get_or_init(|| value)
    }

    #[inline]
    fn at(&self, generation: u64) -> Option<&T> {
        if self.generation == generation { self.value.get() } else { self.place(generation).value.get() }
    }

    /// Walks to the place of this process. Only a place is made under the lock of `child`, which is a few instructions
    /// long: a second fork in just that moment is the one case that would hang the grandchild.
    #[cold]
    fn place(&self, generation: u64) -> &Self {
        let mut place = self;
        while place.generation != generation {
            if place.child.get().is_none() {
                let made = Box::new(Self::new(generation));
                drop(place.child.set(made));
            }
            let Some(child) = place.child.get() else { break };
            place = child;
        }
        place
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        if self.generation != sys::fork_generation() {
            // Another process's: to drop it would be to touch its locks.
            mem::forget(self.value.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{rc::Rc, string::String};

    use super::PerProcess;

    #[test]
    fn a_child_and_its_child_each_make_their_own() {
        let value = PerProcess::new(0);
        value.place(0).value.set("parent").unwrap();

        assert_eq!(value.at(1), None);
        value.place(1).value.set("child").unwrap();
        value.place(2).value.set("grandchild").unwrap();

        assert_eq!(
            [value.at(0), value.at(1), value.at(2)],
            [Some("parent"), Some("child"), Some("grandchild")].each_ref().map(Option::as_ref)
        );
    }

    #[test]
    fn a_grandchild_needs_no_value_of_the_child() {
        let value = PerProcess::<String>::new(3);

        value.place(5).value.set("grandchild".into()).unwrap();

        assert_eq!(value.at(5).map(String::as_str), Some("grandchild"));
    }

    #[test]
    fn the_value_of_another_process_is_not_dropped() {
        let parents = Rc::new(());
        let value = PerProcess::new(crate::native::sys::fork_generation() + 1);
        value.place(value.generation).value.set(Rc::clone(&parents)).unwrap();

        drop(value);

        assert_eq!(Rc::strong_count(&parents), 2);
    }
}
