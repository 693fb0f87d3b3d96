"""`worker`: invitations on the bot's machine, and what they do on another one."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.exits import Exit
from engine.cluster.server.invitation import Invitation
from engine.cluster.worker.taken_invitations import TakenInvitations
from tests.cli.conftest import Atelier

Config = Callable[[str], Path]

CLUSTER = '[cluster]\nlisten = "0.0.0.0:4222"\naddress = "atelier.example.org:4300"\n'


def test_an_invitation_is_one_line_on_standard_output(atelier: Atelier, config: Config) -> None:
    config(CLUSTER)
    result = atelier("worker", "invite", "attic")
    assert result.code is Exit.FINE
    [line] = result.out.splitlines()
    found = Invitation.read(line)
    assert (found.host, found.port, found.name) == ("atelier.example.org", 4300, "attic")
    assert found.key.seed not in result.err
    kept = json.loads(Path("data", "cluster", "workers.json").read_text())
    assert kept == {"attic": found.key.public}, "the secret isn't kept"
    assert Path("data", "cluster", "server.key").stat().st_mode & 0o077 == 0


def test_without_a_place_to_meet_nobody_is_invited(atelier: Atelier) -> None:
    result = atelier("worker", "invite", "attic")
    assert result.code is Exit.SETTINGS
    assert 'listen = "0.0.0.0:4222"' in result.err


def test_names_are_taken_once_and_free_after_they_were_revoked(
    atelier: Atelier, config: Config
) -> None:
    config(CLUSTER)
    first = atelier("worker", "invite", "attic").out
    again = atelier("worker", "invite", "attic")
    assert again.code is Exit.CLUSTER
    assert "already a worker named “attic”" in again.err
    assert atelier("worker", "invite", "The Attic").code is Exit.CLUSTER
    assert "attic" in atelier("worker", "list").out
    assert atelier("worker", "revoke", "attic").code is Exit.FINE
    assert "There are no workers" in atelier("worker", "list").out
    assert atelier("worker", "revoke", "attic").code is Exit.CLUSTER
    assert atelier("worker", "invite", "attic").out not in ("", first)


def test_for_a_server_of_ones_own_its_users_are_printed(atelier: Atelier, config: Config) -> None:
    config('[cluster]\nurl = "tls://nats.example.org"\n')
    result = atelier("worker", "invite", "attic")
    found = Invitation.read(result.out)
    assert found.url == "tls://nats.example.org:4222"
    assert found.key.public in result.err
    assert "atelier.from.attic" in result.err


def test_a_line_that_is_no_invitation_is_said(atelier: Atelier) -> None:
    result = atelier("worker", "--join", "nats://somewhere")
    assert result.code is Exit.CLUSTER
    assert "isn't an invitation" in result.err


def test_without_an_invitation_there_is_nothing_to_join(atelier: Atelier, config: Config) -> None:
    assert "There's no invitation here" in atelier("worker").err
    config(CLUSTER)
    for name in ("attic", "cellar"):
        line = atelier("worker", "invite", name).out
        TakenInvitations(Path("data")).keep(Invitation.read(line))
    result = atelier("worker")
    assert result.code is Exit.USAGE
    assert "attic, cellar" in result.err
    result = atelier("worker", "--name", "garage")
    assert (
        result.err == "✗ There's no invitation for “garage” here. There are these: attic, cellar.\n"
    )
    listed = atelier("worker", "list").out
    assert "paints here for the bot at nats://atelier.example.org:4300" in listed
    file = Path("data", "workers", "attic", "invitation")
    assert file.stat().st_mode & 0o077 == 0


def test_a_pause_stays(atelier: Atelier) -> None:
    assert atelier("worker", "pause").code is Exit.FINE
    assert TakenInvitations(Path("data")).pause_file.is_set
    atelier("worker", "resume")
    atelier("worker", "resume")
    assert not TakenInvitations(Path("data")).pause_file.is_set


def test_missing_packages_are_named_with_the_line_that_installs_them(
    atelier: Atelier, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(CLUSTER)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "msgpack" else find(name)
    )
    for arguments in (("invite", "attic"), ("--join", "x")):
        result = atelier("worker", *arguments)
        assert result.code is Exit.CLUSTER
        assert "pip install -e '.[cluster]'" in result.err
        assert "msgpack" in result.err
