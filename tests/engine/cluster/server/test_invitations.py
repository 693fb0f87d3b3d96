"""Keys and invitations, and who was invited."""

from pathlib import Path

import pytest

from engine.cluster.errors import BadInvitation, ClusterError
from engine.cluster.server.invitation import Invitation, own_address
from engine.cluster.server.invited_workers import InvitedWorkers
from engine.cluster.server.keys import kept_key, key_of, new_key


def test_a_key_is_one_that_nats_takes_and_is_kept(tmp_path: Path) -> None:
    key = kept_key(tmp_path / "bot.nk")
    assert kept_key(tmp_path / "bot.nk") == key
    assert key.seed not in repr(key)
    assert key_of(key.seed).public == key.public
    for wrong in ("", "SUABC", key.public, key.seed[:-1] + "é"):
        with pytest.raises(ValueError, match="seed"):
            key_of(wrong)


@pytest.mark.parametrize("host", ["192.168.1.20", "pc.local", "fd00::7"])
def test_an_invitation_is_one_line_that_can_be_read_again(host: str) -> None:
    one = Invitation(host=host, port=4222, name="attic", key=new_key(), fingerprint="f" * 43)
    assert Invitation.read(f" '{one.line}'\n") == one
    assert one.key.seed not in one.url


@pytest.mark.parametrize("line", ["", "attic", "http://x/y", "nats://h:1/", "nats://[/", "nats://"])
def test_what_is_no_invitation_is_said(line: str) -> None:
    with pytest.raises(BadInvitation, match="isn't an invitation"):
        Invitation.read(line)


def test_an_invitation_whose_end_is_missing_is_none() -> None:
    one = Invitation(host="pc", port=4222, name="attic", key=new_key(), fingerprint="f" * 43)
    with pytest.raises(BadInvitation, match="paste the whole line"):
        Invitation.read(one.line[:-1])


def test_this_machine_has_an_address() -> None:
    assert own_address().count(".") == 3


def test_workers_are_invited_and_revoked(tmp_path: Path) -> None:
    invited = InvitedWorkers(tmp_path)
    assert invited.all() == {}
    invited.add("attic", "U1")
    before = invited.changed()
    with pytest.raises(ClusterError, match="already a worker"):
        invited.add("attic", "U2")
    for name in ("", "Attic", "a.b", "a>", "-a", "a" * 33, "a/b", "cpu", "cuda"):
        with pytest.raises(ClusterError, match="can't be a worker's name"):
            invited.add(name, "U2")
    invited.add("cellar", "U2")
    assert invited.changed() != before
    invited.remove("attic")
    assert invited.all() == {"cellar": "U2"}
    with pytest.raises(ClusterError, match="no worker named"):
        invited.remove("attic")
