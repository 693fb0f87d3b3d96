"""What the bot stores keeps its keys: databases of older versions hold them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cogs.message_ref import MessageRef
from cogs.models.pending_models import PendingModel

STORED_REF: dict[str, Any] = {
    "guild_id": 1,
    "channel_id": 2,
    "message_id": 3,
    "application_id": 4,
    "token": "token",
    "expires_at": 5.0,
    "upload_limit": 6,
    "language": "en",
    "person": 7,
    "private": True,
    "leased": True,
    "pinged_at": None,
}

STORED_MODEL: dict[str, Any] = {
    "number": 1,
    "source": "owner/fox",
    "revision": None,
    "variant": "fp16",
    "denoiser": None,
    "name": "fox",
    "home": STORED_REF,
    "underway": True,
}


def test_a_message_ref_is_read_and_written_as_it_always_was() -> None:
    message_ref = MessageRef.from_json(STORED_REF)
    assert message_ref.token_only
    assert message_ref.to_json() == STORED_REF


@pytest.mark.parametrize("missing", ["pinged_at", "leased", "private", "person", "language"])
def test_a_message_ref_of_a_version_without_a_key_has_its_default(missing: str) -> None:
    value = {key: each for key, each in STORED_REF.items() if key != missing}
    default = MessageRef.from_json({key: STORED_REF[key] for key in list(STORED_REF)[:7]})
    name = "token_only" if missing == "leased" else missing
    assert getattr(MessageRef.from_json(value), name) == getattr(default, name)


def test_a_pending_model_is_read_and_written_as_it_always_was() -> None:
    pending = PendingModel.from_json(STORED_MODEL)
    assert pending.downloading
    assert pending.message_ref.token_only
    assert pending.to_json() == STORED_MODEL | {"lora": False, "trigger": None, "weight": None}
    assert not PendingModel.from_json(replace(pending, downloading=False).to_json()).downloading
