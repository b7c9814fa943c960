"""The command that comes with the wheel."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tokenward
from conftest import saved

if TYPE_CHECKING:
    from tokenward.testing import Provider

SCRIPT = [str(Path(sysconfig.get_path("scripts")) / "tokenward")]
MODULE = [sys.executable, "-m", "tokenward"]

either = pytest.mark.parametrize("command", [SCRIPT, MODULE], ids=["tokenward", "python -m tokenward"])


def environment(provider: Provider, store: Path) -> dict[str, str]:
    """Returns the environment of a command."""
    settings = {
        "TOKENWARD_TOKEN_URL": provider.token_url,
        "TOKENWARD_CLIENT_ID": provider.client_id,
        "TOKENWARD_STORE": str(store),
    }
    return {**os.environ, **settings}


@either
def test_it_is_the_command_of_this_version(command: list[str]) -> None:
    told = subprocess.run([*command, "--version"], check=True, capture_output=True, text=True).stdout

    assert told == f"tokenward {tokenward.__version__}\n"


@either
def test_it_imports_a_login_and_prints_a_token(command: list[str], tokenward_provider: Provider, store: Path) -> None:
    env = environment(tokenward_provider, store)

    subprocess.run([*command, "import"], check=True, env=env, input=tokenward_provider.refresh_token, text=True)
    token = subprocess.run([*command, "token"], check=True, env=env, capture_output=True, text=True).stdout.strip()

    assert tokenward_provider.accepts(token)
    with tokenward_provider.source(store) as source:
        assert source.get_token().expose() == token


@either
def test_errors_have_their_exit_codes(command: list[str], tokenward_provider: Provider, store: Path) -> None:
    env = environment(tokenward_provider, store)

    signed_out = subprocess.run([*command, "token", "--json"], check=False, env=env, capture_output=True, text=True)
    usage = subprocess.run([*command, "no-such-command"], check=False, env=env, capture_output=True)

    assert (signed_out.returncode, usage.returncode) == (3, 2)
    assert json.loads(signed_out.stderr)["error"]["kind"] == "signed_out"


@either
def test_ctrl_c_is_the_commands_and_loses_no_token(
    command: list[str], tokenward_provider: Provider, store: Path
) -> None:
    tokenward_provider.source(store).close()
    tokenward_provider.control(hold=True)
    env = environment(tokenward_provider, store)
    process = subprocess.Popen([*command, "token"], env=env, stderr=subprocess.PIPE, text=True)
    tokenward_provider.wait_for("held")

    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    tokenward_provider.control(hold=False)
    _, errors = process.communicate(timeout=20)

    assert process.returncode == 130
    assert "Traceback" not in errors
    assert saved(store)["refresh_token"] != tokenward_provider.refresh_token


@either
def test_ctrl_c_ends_a_command_that_is_waiting_for_its_input(command: list[str], tmp_path: Path) -> None:
    process = subprocess.Popen([*command, "provider"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline()

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert process.returncode == -signal.SIGINT


@either
def test_the_demo_starts_itself_again(command: list[str]) -> None:
    demo = [*command, "demo", "--json", "--workers", "2", "--rotations", "2"]

    told = subprocess.run(demo, check=False, capture_output=True, text=True).stdout

    # Not whether it passed: with so few rotations one worker may win them all.
    verdict = json.loads(told.splitlines()[-1])["verdict"]
    assert (verdict["requests"], verdict["rotations"], verdict["replays"], verdict["served_min"]) == (2, 2, 0, 2)
