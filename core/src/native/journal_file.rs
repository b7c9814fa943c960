//! The journal as a file: read in ranges by anybody, written by the holder of the lock.

use core::ops::Range;
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
    vec::Vec,
};

use super::{
    disk::{open_own, read_range, sync_folder},
    fault::{fault, is_missing},
    hold::Hold,
    lock::is_same,
    place::Extra,
    temporary::fill_with_zeros,
};
use crate::{JournalWrites, SecretBytes, Stage, StoreFault};

/// The journal as a reader keeps it open: who waits for another process looks into it up to 1,000 times a second.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// With what it was when it was opened: a number that names it is not reused while it is open.
    open: Option<(File, Metadata)>,
}

impl Reader {
    /// Reads the ranges, each short where the journal is short.
    pub(super) fn read(&mut self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<SecretBytes>, StoreFault> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let Some((file, length)) = self.file(path).map_err(|error| fault("read", path, &error))? else {
            return Ok(ranges.iter().map(|_| SecretBytes::default()).collect());
        };
        let read = |range: &Range<u64>| {
            let wanted = range.end.min(length).saturating_sub(range.start);
            read_range(file, range.start, wanted).map_err(|error| fault("read", path, &error))
        };
        ranges.iter().map(read).collect()
    }

    /// Returns the file that has the journal's name now, and its length; `None` if there is none.
    fn file(&mut self, path: &Path) -> io::Result<Option<(&File, u64)>> {
        match self.look(path) {
            Ok(length) => Ok(self.open.as_ref().map(|(file, _)| (file, length))),
            Err(error) if is_missing(&error) => {
                self.open = None;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens the journal if another file has its name by now, and returns its length.
    fn look(&mut self, path: &Path) -> io::Result<u64> {
        let named = fs::symlink_metadata(path)?;
        if self.open.as_ref().is_some_and(|(_, open)| is_same(open, &named)) {
            return Ok(named.len());
        }
        let file = open_own(path, OpenOptions::new().read(true))?;
        let opened = file.metadata()?;
        let length = opened.len();
        self.open = Some((file, opened));
        Ok(length)
    }
}

/// Carries out writes in their order. With `durable` they are on the disk when this returns.
pub(super) fn write(hold: &mut Hold, journal: &JournalWrites, durable: bool) -> Result<(), StoreFault> {
    if journal.set_aside {
        let aside = hold.place.new_extra(Extra::BadJournal);
        fs::rename(&hold.place.journal, &aside).map_err(|error| fault("move aside", &hold.place.journal, &error))?;
        hold.renew_journal()?;
    }
    let (file, path) = (hold.journal.file(), &hold.place.journal);
    let tried = |error| fault("write", path, &error);
    let length = file.metadata().map_err(tried)?.len();
    if length < journal.reserve {
        fill_with_zeros(file, length, journal.reserve).map_err(tried)?;
        if durable {
            // The zeros are on the disk before the first write: what is torn later is a slot, never the file.
            file.sync_all().map_err(tried)?;
        }
    }
    for write in &journal.writes {
        // EXPOSE: the bytes go to a file that its owner alone can read.
        file.write_all_at(write.bytes.expose(), write.offset).map_err(tried)?;
    }
    if durable {
        file.sync_data().map_err(tried)?;
        if hold.journal_is_new || length < journal.reserve {
            sync_folder(&hold.place.folder).map_err(|error| fault("sync", &hold.place.folder, &error))?;
            hold.journal_is_new = false;
        }
    }
    Ok(())
}

/// Writes the server's answer: one write, one sync, and the mark that says so.
pub(super) fn stage(hold: &Hold, stage: &Stage) -> Result<(), StoreFault> {
    let (file, path) = (hold.journal.file(), &hold.place.journal);
    let tried = |error| fault("write", path, &error);
    // EXPOSE: both go to a file that its owner alone can read.
    file.write_all_at(stage.frame.bytes.expose(), stage.frame.offset).map_err(tried)?;
    file.sync_data().map_err(tried)?;
    file.write_all_at(stage.mark.bytes.expose(), stage.mark.offset).map_err(tried)?;
    // Asked last: even a journal that lost its name takes the answer first.
    hold.check_journal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FaultKind, LockFault,
        native::testing::{World, make_pipe, write, writes},
    };

    #[test]
    fn prepared_journal_has_its_reserve_and_its_writes() {
        let world = World::with_store("old");
        let store = world.locked();

        store.prepare(writes(200_000, &[write(512, "intent"), write(0, "state")]), 16).unwrap();

        let bytes = fs::read(world.journal_path()).unwrap();
        assert_eq!(bytes.len(), 200_000);
        assert_eq!((&bytes[..5], &bytes[512..518]), (&b"state"[..], &b"intent"[..]));
        assert!(bytes[518..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_is_there_already_is_not_zeroed() {
        let world = World::with_store("old");
        fs::write(world.journal_path(), "kept").unwrap();
        let store = world.locked();

        store.note(writes(16, &[write(8, "new")]), Vec::new()).unwrap();

        assert_eq!(fs::read(world.journal_path()).unwrap(), b"kept\0\0\0\0new\0\0\0\0\0");
    }

    #[test]
    fn ranges_are_short_where_the_journal_is_short() {
        let world = World::with_store("old");
        fs::write(world.journal_path(), "0123456789").unwrap();

        let read = world.open().load(&[0..4, 8..16, 100..200]).journal.unwrap();

        assert_eq!(read.iter().map(SecretBytes::expose).collect::<Vec<_>>(), [&b"0123"[..], b"89", b""]);
    }

    #[test]
    fn staged_answer_and_its_mark_are_seen_by_a_waiter() {
        let world = World::with_store("old");
        let (holder, waiter) = (world.locked(), world.open());
        holder.prepare(writes(64, &[write(0, "intent")]), 16).unwrap();
        assert_eq!(waiter.peek(0..6).unwrap(), b"intent");

        holder.stage(write(16, "answer"), write(0, "staged")).unwrap();

        assert_eq!(waiter.peek(0..6).unwrap(), b"staged");
        assert_eq!(waiter.peek(16..22).unwrap(), b"answer");
    }

    #[test]
    fn waiter_notices_a_replaced_journal() {
        let world = World::with_store("old");
        fs::write(world.journal_path(), "first").unwrap();
        let waiter = world.open();
        assert_eq!(waiter.peek(0..8).unwrap(), b"first");

        fs::rename(world.journal_path(), world.path("elsewhere")).unwrap();
        let removed = waiter.peek(0..8).unwrap();
        fs::write(world.journal_path(), "second").unwrap();
        let replaced = waiter.peek(0..8).unwrap();

        assert_eq!((removed, replaced), (Vec::new(), b"second".to_vec()));
    }

    #[test]
    fn foreign_journal_is_kept_under_another_name_and_the_new_one_is_locked() {
        let world = World::with_store("old");
        fs::write(world.journal_path(), "foreign").unwrap();
        let store = world.locked();

        store.prepare(JournalWrites { set_aside: true, ..writes(64, &[write(0, "ours")]) }, 16).unwrap();

        let aside: Vec<_> = world.names().into_iter().filter(|name| name.contains("journal.bad-")).collect();
        assert_eq!(aside.len(), 1);
        assert_eq!(fs::read_to_string(world.path(&aside[0])).unwrap(), "foreign");
        assert_eq!(&fs::read(world.journal_path()).unwrap()[..4], b"ours");
        fs::remove_file(world.lock_path()).unwrap();
        assert_eq!(world.open().try_lock(), Err(LockFault::Busy));
    }

    #[test]
    fn answer_is_written_even_where_the_journal_lost_its_name_and_that_is_told() {
        let world = World::with_store("old");
        let store = world.locked();
        store.prepare(writes(64, &[]), 16).unwrap();
        fs::rename(world.journal_path(), world.path("elsewhere")).unwrap();

        let staged = store.stage(write(16, "answer"), write(0, "staged"));

        assert!(staged.is_err());
        assert_eq!(&fs::read(world.path("elsewhere")).unwrap()[16..22], b"answer");
    }

    #[test]
    fn journal_that_cannot_be_read_leaves_the_store_readable() {
        let world = World::with_store("old");
        make_pipe(&world.journal_path()).unwrap();

        let loaded = world.open().load(&[0..16, 16..32]);

        assert_eq!(loaded.journal.unwrap_err().kind, FaultKind::NotAFile);
        assert_eq!(loaded.store.unwrap().unwrap().expose(), b"old");
    }

    #[test]
    fn store_that_cannot_be_read_leaves_the_journal_readable() {
        let world = World::empty();
        fs::create_dir(world.store_path()).unwrap();
        fs::write(world.journal_path(), "journal").unwrap();

        let loaded = world.open().load(&[0..7, 7..9]);

        assert_eq!(loaded.store.unwrap_err().kind, FaultKind::NotAFile);
        assert_eq!(loaded.journal.unwrap()[0].expose(), b"journal");
    }
}
