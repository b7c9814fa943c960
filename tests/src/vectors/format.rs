//! The format as types. Every struct refuses unknown members; a member that is missing is none.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::shown::{Current, Shown};

/// The list of all vectors.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// One entry per file.
    pub vectors: Vec<Listed>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its name.
    pub file: String,
    /// The sentence it proves.
    pub name: String,
}

/// One file: a script for some machines that share a disk.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// The sentence it proves.
    pub name: String,
    /// The promise of the design it belongs to, `P1` to `P8`.
    pub promise: String,
    /// The incident it prevents.
    pub why: String,
    /// The machines by name, with their settings.
    pub machines: BTreeMap<String, Settings>,
    /// What is on the disk at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Edit>,
    /// What happens.
    pub steps: Vec<Step>,
    /// What is on the disk at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_after: Option<After>,
}

/// A machine's settings, those of the vectors' own defaults apart.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Settings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// The rest by the names of the settings table, which refuses unknown ones.
    #[serde(flatten)]
    pub named: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    pub pid: u32,
    pub host: String,
}

/// What somebody else does to the disk.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// An object, a text as it stands, or null: no store.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub store: Option<Value>,
    /// Bytes written into the journal, or null: no journal.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub journal: Option<Option<Vec<Bytes>>>,
    /// Parked grants by name, replacing all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<BTreeMap<String, String>>,
    /// `held`: a process outside the vector takes the lock; `free`: it gives it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    Held,
    Free,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bytes {
    pub offset: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
}

/// What is on the disk at the end; a member that is missing is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct After {
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub store: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
    /// The journals that were moved aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<usize>,
    /// The tokens whose text stands in the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_in_journal: Option<Vec<String>>,
}

/// One step: exactly one of `input`, `answer`, `edit` and `crash`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Both clocks, from the vector's start.
    pub at_ms: u64,
    /// Moves the wall clock alone, for this step and all after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_jump_ms: Option<i64>,
    /// Whose step it is; `a` if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// The machine whose effect is answered, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<Edit>,
    /// The machine ends without a word; the system frees its lock. Its next step begins a new machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<String>,
    /// The kind of effect that the disk does not carry out in this step: it stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_at: Option<Kind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<Vec<Shown>>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub wake_in_ms: Option<Option<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub must_stay: Option<bool>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub current: Option<Option<Current>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Input {
    Want(Want),
    Adopt(Adopt),
    SignOut(Waiter),
    Look(Waiter),
    Forget(Waiter),
    Refused(Token),
    Changed(Nothing),
    Tick(Nothing),
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Want {
    pub waiter: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ttl_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explicit: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Adopt {
    pub waiter: u64,
    pub grant: Grant,
    /// `replace`; `same_account` if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    SameAccount,
    Replace,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Waiter {
    pub waiter: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub token: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The answer to an open effect, by the effect's kind.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Answer {
    Load(Reply),
    TryLock(Reply),
    Prepare(Reply),
    Stage(Reply),
    Commit(Reply),
    Note(Reply),
    Park(Reply),
    Unlock(Reply),
    Fetch(Fetched),
}

/// What the disk says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The disk carries the effect out now, and its result is the answer. With `fault`: carried out, reported as failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub performed: bool,
    /// The kind of fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// For a load: the kind of fault of the journal; everything else is read from the disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<Fault>,
    /// For a load: the kind of fault of the store; everything else is read from the disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<Fault>,
    /// For a lock: another process has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub busy: bool,
    /// For a commit: somebody else wrote the store.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    Denied,
    Locked,
    NotAFile,
    TooLarge,
    ReadOnly,
    NoSpace,
    Pinned,
    NoLocks,
    Other,
}

/// What the server says: `status` with `headers` and `body`, or the fault's name with what happened.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// An object is sent as JSON, a text as it stands.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// The number of spaces behind the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_sent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
    /// The setting's name, a colon and what is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misconfigured: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maybe_sent: Option<String>,
}

/// The kinds of effects that want an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Load,
    TryLock,
    Prepare,
    Stage,
    Commit,
    Note,
    Park,
    Unlock,
    Fetch,
}

/// Reads a member whose null means something else than its absence.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
