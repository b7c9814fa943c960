"""A store of your own: a credential in memory, for tests. Sources on one of them contend as processes do for a file."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

from tokenward import Commit, Load, Note, Park, Prepare, Stage, TryLock, Unlock, Write

if TYPE_CHECKING:
    from tokenward import Answer, StoreOp


class MemoryStore:
    """`TokenSource(settings, store=MemoryStore())`."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self._journal = bytearray()
        self._parked: dict[str, bytes] = {}
        self._changes, self._is_locked, self._one_at_a_time = 0, False, threading.Lock()

    def stamp(self) -> int:
        return self._changes

    def perform(self, op: StoreOp) -> Answer:
        with self._one_at_a_time:
            match op:
                case Load():
                    journal = [bytes(self._journal[start:end]) for start, end in op.journal]
                    return op.answer(journal, self.content, list(self._parked.items()))
                case TryLock():
                    is_busy, self._is_locked = self._is_locked, True
                    return op.answer("busy" if is_busy else None)
                case Stage():
                    self._write(op.frame, op.mark)
                case Commit():
                    if op.base != (None if self.content is None else hashlib.sha256(self.content).digest()[:16]):
                        return op.answer("moved")
                    self.content = op.data
                    self._changes += 1
                case Prepare() | Note():
                    self._journal = bytearray() if op.journal.set_aside else self._journal
                    self._journal.extend(bytes(max(0, op.journal.reserve - len(self._journal))))
                    self._write(*op.journal.writes)
                    for name in op.unpark if isinstance(op, Note) else []:
                        self._parked.pop(name, None)
                case Park():
                    name = f"parked-{self._changes}-{len(self._parked)}"
                    self._parked[name] = op.data
                    return op.answer(name)
                case Unlock():
                    self._is_locked = False
            return op.answer()

    def _write(self, *writes: Write) -> None:
        for write in writes:
            self._journal.extend(bytes(max(0, write.offset - len(self._journal))))
            self._journal[write.offset : write.offset + len(write.data)] = write.data
