//! The disk of a vector: a store, a journal, parked grants and one lock, carrying out what machines ask for.

use std::ops::Range;

use serde_json::Value;
use tokenward::{
    CommitFault, FaultKind, Input, JournalWrites, Load, Loaded, LockFault, Parked, SecretBytes, StoreFault, StoreOp,
};

use super::format::{After, Answer, Bytes, Edit, Fault, Kind, Lock, Reply};

const OUTSIDE: &str = "a process outside the vector";

#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) store: Option<Vec<u8>>,
    pub(crate) journal: Option<Vec<u8>>,
    parked: Vec<(String, Vec<u8>)>,
    parked_ever: u32,
    set_aside: usize,
    lock: Option<String>,
}

impl Disk {
    pub(crate) fn with(store: Option<Vec<u8>>, journal: Option<Vec<u8>>) -> Self {
        Self { store, journal, ..Self::default() }
    }

    pub(super) fn edit(&mut self, edit: &Edit) -> Result<(), String> {
        if let Some(store) = &edit.store {
            self.store = text_of(store).map(String::into_bytes);
        }
        match &edit.journal {
            Some(Some(writes)) => writes.iter().try_for_each(|write| self.damage(write))?,
            Some(None) => self.journal = None,
            None => {}
        }
        if let Some(parked) = &edit.parked {
            self.parked = parked.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes())).collect();
        }
        match edit.lock {
            Some(Lock::Held) => self.lock = Some(OUTSIDE.into()),
            Some(Lock::Free) => self.lock = None,
            None => {}
        }
        Ok(())
    }

    fn damage(&mut self, write: &Bytes) -> Result<(), String> {
        let bytes = match (&write.text, &write.hex) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(hex)) => from_hex(hex).ok_or("damaged hex")?,
            (Some(_), Some(_)) | (None, None) => return Err("a write has either a text or hex".into()),
        };
        splice(self.journal.get_or_insert_default(), write.offset, &bytes);
        Ok(())
    }

    pub(super) fn free(&mut self, machine: &str) {
        self.lock.take_if(|holder| holder == machine);
    }

    /// Carries an effect out and answers it.
    pub(crate) fn perform(&mut self, op: StoreOp, machine: &str) -> Result<Input, String> {
        let kind = kind_of(&op);
        self.check_lock(kind, machine)?;
        Ok(match op {
            StoreOp::Load(load) => {
                let loaded = self.load(&load);
                load.answer(loaded)
            }
            StoreOp::TryLock(lock) => match self.lock {
                Some(_) => lock.answer(Err(LockFault::Busy)),
                None => {
                    self.lock = Some(machine.into());
                    lock.answer(Ok(()))
                }
            },
            StoreOp::Prepare(prepare) => {
                self.write(&prepare.journal);
                prepare.answer(Ok(()))
            }
            StoreOp::Stage(stage) => {
                let journal = self.journal.get_or_insert_default();
                for write in [&stage.frame, &stage.mark] {
                    splice(journal, position(write.offset), write.bytes.expose());
                }
                stage.answer(Ok(()))
            }
            StoreOp::Commit(commit) => {
                let found = self.store.clone().map(|bytes| SecretBytes::new(bytes).fingerprint());
                if found == commit.base {
                    self.store = commit.bytes.as_ref().map(|bytes| bytes.expose().to_vec());
                    commit.answer(Ok(()))
                } else {
                    commit.answer(Err(CommitFault::Moved))
                }
            }
            StoreOp::Note(note) => {
                self.write(&note.journal);
                self.parked.retain(|(name, _)| !note.unpark.contains(name));
                note.answer(Ok(()))
            }
            StoreOp::Park(park) => {
                self.parked_ever += 1;
                let name = format!("parked-{}", self.parked_ever);
                self.parked.push((name.clone(), park.bytes.expose().to_vec()));
                park.answer(Ok(name))
            }
            StoreOp::Unlock(unlock) => {
                self.lock = None;
                unlock.answer()
            }
            _ => return Err("an effect that the runner does not know".into()),
        })
    }

    /// Answers an effect as a vector says.
    pub(super) fn answer(&mut self, op: StoreOp, answer: &Answer, machine: &str) -> Result<Input, String> {
        let (kind, reply) = match answer {
            Answer::Load(reply) => (Kind::Load, reply),
            Answer::TryLock(reply) => (Kind::TryLock, reply),
            Answer::Prepare(reply) => (Kind::Prepare, reply),
            Answer::Stage(reply) => (Kind::Stage, reply),
            Answer::Commit(reply) => (Kind::Commit, reply),
            Answer::Note(reply) => (Kind::Note, reply),
            Answer::Park(reply) => (Kind::Park, reply),
            Answer::Unlock(reply) => (Kind::Unlock, reply),
            Answer::Fetch(_) => return Err("the open effect is no fetch".into()),
        };
        if kind != kind_of(&op) {
            return Err(format!("the open effect is a {:?}", kind_of(&op)));
        }
        let fault = match reply {
            Reply { performed: true, fault: None, .. } => return self.perform(op, machine),
            Reply { performed: true, fault: Some(fault), .. } => {
                // The writes are done; what is told of them is a failure.
                match &op {
                    StoreOp::Prepare(prepare) => self.write(&prepare.journal),
                    StoreOp::Note(note) => self.write(&note.journal),
                    _ => return Err("only a prepare or a note can be half done".into()),
                }
                Some(*fault)
            }
            Reply { performed: false, fault, .. } => *fault,
        };
        let fault = || fault.map(store_fault).ok_or("an answer without a fault");
        Ok(match op {
            StoreOp::Load(load) => {
                let mut loaded = self.load(&load);
                if let Some(fault) = reply.journal {
                    loaded.journal = Err(store_fault(fault));
                }
                if let Some(fault) = reply.store {
                    loaded.store = Err(store_fault(fault));
                }
                load.answer(loaded)
            }
            StoreOp::TryLock(lock) if reply.busy => lock.answer(Err(LockFault::Busy)),
            StoreOp::TryLock(lock) => lock.answer(Err(LockFault::Fault(fault()?))),
            StoreOp::Prepare(prepare) => prepare.answer(Err(fault()?)),
            StoreOp::Stage(stage) => stage.answer(Err(fault()?)),
            StoreOp::Commit(commit) if reply.moved => commit.answer(Err(CommitFault::Moved)),
            StoreOp::Commit(commit) => commit.answer(Err(CommitFault::Fault(fault()?))),
            StoreOp::Note(note) => note.answer(Err(fault()?)),
            StoreOp::Park(park) => park.answer(Err(fault()?)),
            StoreOp::Unlock(_) => return Err("an unlock cannot fail".into()),
            _ => return Err("an effect that the runner does not know".into()),
        })
    }

    /// Compares what is on the disk with what a vector says.
    pub(super) fn check(&self, after: &After, tokens: &[String]) -> Result<(), String> {
        if let Some(expected) = &after.store {
            let found = self.store.as_deref().map(|bytes| shown(bytes, expected.is_string()));
            differ("store", expected, &found.unwrap_or(Value::Null))?;
        }
        if let Some(expected) = &after.parked {
            let found: Vec<_> = self.parked.iter().map(|(name, _)| name.clone()).collect();
            differ("parked", expected, &found)?;
        }
        if let Some(expected) = after.lock {
            differ("lock", &expected, &if self.lock.is_some() { Lock::Held } else { Lock::Free })?;
        }
        if let Some(expected) = after.set_aside {
            differ("set_aside", &expected, &self.set_aside)?;
        }
        if let Some(expected) = &after.tokens_in_journal {
            // A journal is zeros for the most part.
            let written = self.journal.iter().flatten().copied().filter(|byte| *byte != 0).collect::<Vec<_>>();
            let text = String::from_utf8_lossy(&written);
            let found: Vec<_> = tokens.iter().filter(|token| text.contains(*token)).cloned().collect();
            differ("tokens_in_journal", expected, &found)?;
        }
        Ok(())
    }

    fn load(&self, load: &Load) -> Loaded {
        let journal = self.journal.as_deref().unwrap_or_default();
        let read = |range: &Range<u64>| {
            let from = position(range.start).min(journal.len());
            let to = position(range.end).min(journal.len());
            SecretBytes::new(journal.get(from..to).unwrap_or_default().to_vec())
        };
        let parked = self.parked.iter().filter(|_| load.parked);
        let parked =
            parked.map(|(name, bytes)| Parked { name: name.clone(), bytes: SecretBytes::new(bytes.clone()) }).collect();
        Loaded {
            journal: Ok(load.journal.iter().map(read).collect()),
            store: Ok(self.store.clone().filter(|_| load.store).map(SecretBytes::new)),
            parked,
        }
    }

    fn write(&mut self, journal: &JournalWrites) {
        if journal.set_aside {
            self.journal = None;
            self.set_aside += 1;
        }
        let bytes = self.journal.get_or_insert_default();
        if bytes.len() < position(journal.reserve) {
            bytes.resize(position(journal.reserve), 0);
        }
        for write in &journal.writes {
            splice(bytes, position(write.offset), write.bytes.expose());
        }
    }

    /// Whoever changes something must have the lock; who has it does not try it again.
    fn check_lock(&self, kind: Kind, machine: &str) -> Result<(), String> {
        let is_ours = self.lock.as_deref() == Some(machine);
        match kind {
            Kind::Prepare | Kind::Stage | Kind::Commit | Kind::Note | Kind::Unlock if !is_ours => {
                Err(format!("{kind:?} without the lock"))
            }
            Kind::TryLock | Kind::Park if is_ours => Err(format!("{kind:?} with the lock")),
            _ => Ok(()),
        }
    }

    pub(crate) fn is_locked_by(&self, machine: &str) -> bool {
        self.lock.as_deref() == Some(machine)
    }
}

pub(super) fn kind_of(op: &StoreOp) -> Kind {
    match op {
        StoreOp::Load(_) => Kind::Load,
        StoreOp::TryLock(_) => Kind::TryLock,
        StoreOp::Prepare(_) => Kind::Prepare,
        StoreOp::Stage(_) => Kind::Stage,
        StoreOp::Commit(_) => Kind::Commit,
        StoreOp::Note(_) => Kind::Note,
        StoreOp::Park(_) => Kind::Park,
        _ => Kind::Unlock,
    }
}

/// Returns bytes as a vector shows them.
pub(super) fn shown(bytes: &[u8], as_text: bool) -> Value {
    let text = String::from_utf8_lossy(bytes).into_owned();
    if as_text { Value::String(text) } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// Returns the text of a store or a body: a text as it stands, anything else as JSON, null as nothing.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn differ<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{what}\n  expected {expected:?}\n  found    {found:?}")) }
}

fn store_fault(fault: Fault) -> StoreFault {
    let (kind, detail) = match fault {
        Fault::Denied => (FaultKind::Denied, "denied"),
        Fault::Locked => (FaultKind::Locked, "locked"),
        Fault::NotAFile => (FaultKind::NotAFile, "not_a_file"),
        Fault::TooLarge => (FaultKind::TooLarge, "too_large"),
        Fault::ReadOnly => (FaultKind::ReadOnly, "read_only"),
        Fault::NoSpace => (FaultKind::NoSpace, "no_space"),
        Fault::Pinned => (FaultKind::Pinned, "pinned"),
        Fault::NoLocks => (FaultKind::NoLocks, "no_locks"),
        Fault::Other => (FaultKind::Other, "other"),
    };
    StoreFault { kind, detail: detail.into() }
}

fn splice(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    let end = offset.saturating_add(written.len());
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes.splice(offset..end, written.iter().copied());
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits?;
    digits.chunks(2).map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect()
}
