"""What a machine takes and asks for, as types."""

from __future__ import annotations

from typing import TypeAlias

from tokenward import _tokenward as it

#: An operation on the store: `FileStore.perform` carries out any of them.
StoreOp: TypeAlias = it.Load | it.TryLock | it.Prepare | it.Stage | it.Commit | it.Note | it.Park | it.Unlock

#: One thing the host does for the machine. `match` on the classes; each has its `kind` too.
Effect: TypeAlias = StoreOp | it.Fetch | it.Deliver | it.Emit

#: One thing that happened outside.
Input: TypeAlias = it.Answer | it.Want | it.Tick | it.Changed | it.Refused | it.Forget | it.Look | it.Adopt | it.SignOut
