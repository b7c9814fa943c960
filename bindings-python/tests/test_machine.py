"""The machine's own rules: an effect is answered once, and by the machine's own answer."""

from __future__ import annotations

import pytest
import tokenward
from tokenward import FileStore, Load, Machine, Now, StoreFault, Tick, TryLock, Want

NOW = Now(1_800_000_000, 12)


def asked() -> tuple[Machine, Load]:
    """Returns a machine, and the first thing it wants to know."""
    machine = Machine(token_url="https://id.test/token", client_id="c")
    effects = [effect for effect in machine.step(NOW, Want(1)).effects if effect.kind != "emit"]
    assert len(effects) == 1
    assert isinstance(effects[0], Load)
    return machine, effects[0]


def test_an_effect_is_answered_once() -> None:
    _, load = asked()
    load.answer()

    with pytest.raises(RuntimeError, match="answered already"):
        load.answer()


def test_a_store_carries_an_effect_out_once(tmp_path: object) -> None:
    _, load = asked()
    store = FileStore(f"{tmp_path}/login.json")
    store.perform(load)

    with pytest.raises(RuntimeError, match="answered already"):
        store.perform(load)


def test_an_answer_is_fed_once() -> None:
    machine, load = asked()
    answer = load.answer()

    delivered = [effect for effect in machine.step(NOW, answer).effects if effect.kind == "deliver"]

    assert [str(effect.error) for effect in delivered if isinstance(effect, tokenward.Deliver)] == ["signed out"]
    with pytest.raises(RuntimeError, match="fed already"):
        machine.step(NOW, answer)


def test_a_word_that_no_effect_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="no such kind of fault"):
        StoreFault("no_such", "detail")
    machine, load = asked()
    step = machine.step(NOW, load.answer(store=b'{"version":1,"refresh_token":"refresh-token-1"}'))
    locks = [effect for effect in step.effects if isinstance(effect, TryLock)]
    with pytest.raises(ValueError, match="busy"):
        locks[0].answer("moved")  # type: ignore[arg-type]


def test_a_clock_that_is_none_is_refused() -> None:
    machine, _ = asked()

    with pytest.raises(ValueError, match="mono is no time"):
        machine.step(Now(0, -1), Tick())
