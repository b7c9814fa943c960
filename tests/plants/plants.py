"""The planted bugs: what each breaks, and how."""

import dataclasses
import pathlib
import sys


@dataclasses.dataclass
class Plant:
    promise: str
    name: str
    file: str
    old: str
    new: str

    def check(self, tree: pathlib.Path) -> None:
        found = (tree / self.file).read_text().count(self.old)
        if found != 1:
            sys.exit(f"{self.name}: its text stands {found} times in {self.file}, not once: let the plant follow the code")

    def plant(self, tree: pathlib.Path) -> None:
        self._replace(tree, self.old, self.new)

    def uproot(self, tree: pathlib.Path) -> None:
        self._replace(tree, self.new, self.old)

    def _replace(self, tree: pathlib.Path, old: str, new: str) -> None:
        path = tree / self.file
        path.write_text(path.read_text().replace(old, new, 1))


HOLD = "core/src/machine/hold.rs"
CHANGE = "core/src/machine/change.rs"
DESK = "core/src/machine/desk.rs"

PLANTS = [
    Plant(
        "P1",
        "a busy lock is as good as a free one",
        "core/src/machine/transition.rs",
        "(State::Locking(hunt), Event::Locked(Err(LockFault::Busy))) => m.contend(hunt, now, out),",
        "(State::Locking(hunt), Event::Locked(Err(LockFault::Busy))) => m.read_with_lock(&hunt, out), // planted",
    ),
    Plant(
        "P1",
        "a wait is not written down for the others",
        HOLD,
        "self.note(journal::State { not_before: Some(not_before), ..state }, out)",
        "self.note(journal::State { not_before: Some(not_before).filter(|_| false), ..state }, out)",
    ),
    Plant(
        "P1",
        "the lock is kept when there is nothing to do",
        HOLD,
        "    fn leave(&mut self, out: &mut Out) -> State {\n",
        "    fn leave(&mut self, out: &mut Out) -> State {\n        if self.dice.roll() > 9 {\n            return State::Idle;\n        }\n",
    ),
    Plant(
        "P2",
        "a spent refresh token is sent again",
        DESK,
        "&& state.is_spent(refresh_token.fingerprint()) {",
        "&& state.is_spent(refresh_token.fingerprint()) && false {",
    ),
    Plant(
        "P2",
        "what was spent is not remembered",
        CHANGE,
        "            state.spend(spent);\n",
        "            let _ = spent;\n",
    ),
    Plant(
        "P2",
        "a refusal is not remembered",
        DESK,
        "if let Some(dead) = self.dead(key) {",
        "if let Some(dead) = self.dead(key).filter(|_| false) {",
    ),
    Plant(
        "P2",
        "a lost answer clears the intent",
        HOLD,
        "        let intent = self.view.journal.state.intent.clone();\n        let error = unavailable(Trouble::Network(detail));",
        "        let intent = self.view.journal.state.intent.clone().filter(|_| false);\n        let error = unavailable(Trouble::Network(detail));",
    ),
    Plant(
        "P3",
        "a token is handed out before its answer is on the disk",
        HOLD,
        "        self.ask_stage(Staged { head, body: response.body }, Spending::Refresh(spend), out)",
        "        let early = Staged { head, body: response.body };\n"
        "        if let Verdict::Granted(tokens) = self.view.weigh(&early).verdict {\n"
        "            let grant = rotation::merge(self.view.stored_grant(), tokens, early.received());\n"
        "            self.succeed(grant, now, out);\n"
        "        }\n"
        "        self.ask_stage(early, Spending::Refresh(spend), out)",
    ),
    Plant(
        "P3",
        "an answer that is not synced is used without the lock",
        "core/src/journal/mod.rs",
        "self.answer.as_ref().filter(|_| self.answer_sequence <= self.state.staged)",
        "self.answer.as_ref()",
    ),
    Plant(
        "P3",
        "an answer that could not be saved is done with",
        CHANGE,
        "    fn not_saved(&mut self, change: Change, detail: String, now: Now, out: &mut Out) -> State {\n",
        "    fn not_saved(&mut self, change: Change, detail: String, now: Now, out: &mut Out) -> State {\n"
        "        if matches!(change.what, What::Answer { durable: true, .. }) {\n"
        "            let state = self.view.journal.state.clone();\n"
        "            return self.note(state, out);\n"
        "        }\n",
    ),
    Plant(
        "P4",
        "an answer is applied to whatever is in the store",
        "core/src/machine/view.rs",
        "Stored::Readable(_) => answer.is_about(self.stored_refresh_token()),",
        "Stored::Readable(_) => true,",
    ),
    Plant(
        "P4",
        "a login replaces anything",
        "core/src/rotation.rs",
        "    if guard == Guard::Replace {\n",
        "    if guard == Guard::Replace || stored.is_some() {\n",
    ),
    Plant(
        "P5",
        "a working token waits for its successor",
        DESK,
        "if (result && !held.has_ended(now)) || (!want.explicit && held.serves(now, want.min_ttl)) {",
        "if (result && !held.has_ended(now)) || (!want.explicit && !held.is_early(now) && held.serves(now, want.min_ttl)) {",
    ),
    Plant(
        "P1",
        "what was read under the lock is not looked at",
        HOLD,
        "        if !self.refresh_is_due(now) {\n            // Somebody else did it.",
        "        if false {\n            // Somebody else did it.",
    ),
    Plant(
        "P2",
        "the intent is forgotten",
        HOLD,
        "let state = journal::State { intent: Some(intent), ..state.clone() };",
        "let state = journal::State { intent: Some(intent).filter(|_| false), ..state.clone() };",
    ),
    Plant(
        "P4",
        "an attempt that never left is not taken back",
        HOLD,
        "self.wait(spend.previous.clone(), &spend, error, None, now, out)",
        "self.wait(self.view.journal.state.intent.clone(), &spend, error, None, now, out)",
    ),
    Plant(
        "P3",
        "a store that moved counts as saved",
        "core/src/machine/transition.rs",
        "(State::Committing(change), Event::Committed(Err(CommitFault::Moved))) => m.moved(change, now, out),",
        "(State::Committing(change), Event::Committed(Err(CommitFault::Moved))) => m.committed(change, now, out), // planted",
    ),
    Plant(
        "P4",
        "an error is told from memory",
        DESK,
        "if self.has_looked(waiting) { Judgement::Fail(error) } else { Judgement::Look }",
        "if self.has_looked(waiting) || true { Judgement::Fail(error) } else { Judgement::Look }",
    ),
    Plant(
        "P3",
        "a dropped answer says nothing of its refresh token",
        CHANGE,
        "        if spent {\n            self.view.journal.state.spend(base);",
        "        if spent && false {\n            self.view.journal.state.spend(base);",
    ),
]
