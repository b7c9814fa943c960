//! What processes share: a store, a journal with a page cache, parked grants and a lock.
//!
//! A write is visible to every process at once and survives the death of the one that wrote it. Only what was synced
//! survives a loss of power; of the rest each sector may be on the disk or not.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hasher},
    ops::Range,
};

use crate::Dice;

const PAGE: usize = 4096;
const SECTOR: usize = 512;

/// The files of one credential.
#[derive(Debug, Default)]
pub struct Disk {
    pub store: Option<Vec<u8>>,
    /// The store before the rename that the folder was not synced after.
    store_before: Option<Option<Vec<u8>>>,
    journal: Option<File>,
    pub parked: Vec<(String, Vec<u8>)>,
    /// Who has the lock.
    pub lock: Option<usize>,
    /// Counts every change that another process could see.
    pub version: u64,
    /// The journals that were moved aside.
    pub set_aside: u32,
    names: u32,
}

/// What a loss of power does to bytes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Nothing,
    Everything,
    /// Each sector by itself.
    Torn,
}

#[derive(Debug, Default)]
struct File {
    length: u64,
    cache: Pages,
    platter: Pages,
    unsynced: Vec<(u64, Vec<u8>)>,
    /// Whether the file itself would be found after a loss of power.
    lasting: bool,
}

#[derive(Debug, Default, Clone)]
struct Pages(BTreeMap<u64, Box<[u8; PAGE]>>);

impl Disk {
    pub fn replace_store(&mut self, bytes: Option<Vec<u8>>) {
        let before = std::mem::replace(&mut self.store, bytes);
        self.store_before.get_or_insert(before);
        self.version += 1;
    }

    pub fn sync_folder(&mut self) {
        self.store_before = None;
    }

    /// Returns the bytes of each range, short where the journal is short, nothing where there is none.
    pub fn read_journal(&self, ranges: &[Range<u64>]) -> Vec<Vec<u8>> {
        let read = |range: &Range<u64>| self.journal.as_ref().map_or(Vec::new(), |file| file.read(range));
        ranges.iter().map(read).collect()
    }

    pub fn move_journal_aside(&mut self) {
        if self.journal.take().is_some() {
            self.set_aside += 1;
            self.version += 1;
        }
    }

    pub fn reserve_journal(&mut self, length: u64) {
        let file = self.journal.get_or_insert_default();
        file.length = file.length.max(length);
    }

    pub fn write_journal(&mut self, offset: u64, bytes: &[u8]) {
        let file = self.journal.get_or_insert_default();
        file.length = file.length.max(offset + bytes.len() as u64);
        file.cache.write(offset, bytes);
        file.unsynced.push((offset, bytes.to_vec()));
        self.version += 1;
    }

    /// Syncs the journal and returns what went to the platter.
    pub fn sync_journal(&mut self) -> Vec<(u64, Vec<u8>)> {
        let Some(file) = &mut self.journal else { return Vec::new() };
        file.lasting = true;
        let synced = std::mem::take(&mut file.unsynced);
        for (offset, bytes) in &synced {
            file.platter.write(*offset, bytes);
        }
        synced
    }

    /// Overwrites bytes of the journal, as a broken disk does. For scenarios.
    pub fn damage_journal(&mut self, offset: u64, bytes: &[u8]) {
        self.write_journal(offset, bytes);
        self.sync_journal();
    }

    pub fn park(&mut self, bytes: Vec<u8>) -> String {
        self.names += 1;
        let name = format!(".store.tokenward.grant-{}", self.names);
        self.parked.push((name.clone(), bytes));
        self.version += 1;
        name
    }

    pub fn unpark(&mut self, name: &str) {
        self.parked.retain(|(parked, _)| parked != name);
        self.version += 1;
    }

    /// The machine stops and starts again: what was not synced is subject to `loss`.
    pub fn lose_power(&mut self, loss: Loss, dice: &mut Dice) {
        self.lock = None;
        self.version += 1;
        if let Some(before) = self.store_before.take()
            && (loss == Loss::Everything || loss == Loss::Torn && dice.chance(50))
        {
            self.store = before;
        }
        let Some(file) = &mut self.journal else { return };
        if !file.lasting && loss != Loss::Nothing {
            self.journal = None;
            return;
        }
        for (offset, bytes) in std::mem::take(&mut file.unsynced) {
            for (index, sector) in bytes.chunks(SECTOR).enumerate() {
                if loss == Loss::Nothing || loss == Loss::Torn && dice.chance(50) {
                    file.platter.write(offset + (index * SECTOR) as u64, sector);
                }
            }
        }
        file.cache = file.platter.clone();
    }

    /// Returns a number that differs when anything visible differs.
    pub fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(self.store.as_deref().unwrap_or(b"none"));
        for (name, bytes) in &self.parked {
            hasher.write(name.as_bytes());
            hasher.write(bytes);
        }
        hasher.write_usize(self.lock.unwrap_or(usize::MAX));
        if let Some(file) = &self.journal {
            hasher.write_u64(file.length);
            for (page, content) in &file.cache.0 {
                let end = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                hasher.write_u64(*page);
                hasher.write(&content[..end]);
            }
        }
        hasher.finish()
    }
}

impl File {
    fn read(&self, range: &Range<u64>) -> Vec<u8> {
        let end = range.end.min(self.length);
        let mut bytes = Vec::with_capacity(end.saturating_sub(range.start) as usize);
        let mut at = range.start;
        while at < end {
            let (page, from) = (at / PAGE as u64, (at % PAGE as u64) as usize);
            let to = PAGE.min(from + (end - at) as usize);
            match self.cache.0.get(&page) {
                Some(content) => bytes.extend_from_slice(&content[from..to]),
                None => bytes.resize(bytes.len() + to - from, 0),
            }
            at += (to - from) as u64;
        }
        bytes
    }
}

impl Pages {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (page, from) = (at / PAGE as u64, (at % PAGE as u64) as usize);
            let count = rest.len().min(PAGE - from);
            let content = self.0.entry(page).or_insert_with(|| Box::new([0; PAGE]));
            content[from..from + count].copy_from_slice(&rest[..count]);
            (at, rest) = (at + count as u64, &rest[count..]);
        }
    }
}
