"""Sentences of workers, which may have been made to do harm."""

import json
from typing import Any

from engine.cluster.bot.told_sentences import readable
from speech import say, use_language


def test_the_sentence_of_a_worker_fills_in_names_and_nothing_else() -> None:
    with use_language("zh_CN"):
        told = say("There's no LoRA “{name}”.", name="fox")
        assert readable(told.to_json()) == told
        assert readable(say("{flag} is {most:g}.", flag="a", most=1.0).to_json()) == "a is 1."
        assert readable("plain {text:>9}") == "plain {text:>9}"
        fallback = say("The picture couldn't be painted.")
        many = {"one": "{a}{a}{a}", "many": None, "values": {"a": "b"}}
        deep: dict[str, Any] = {"one": "{a}", "many": None, "values": {"a": "b"}}
        for _ in range(5):
            deep = {"one": "{a}{a}", "many": None, "values": {"a": deep}}
        nothing: dict[str, Any] = {"many": None, "values": {}}
        for wrong in (
            *({"one": "{a:>999999999}", "many": None, "values": {"a": 1}}, many, deep, {"one": 1}),
            *({"one": "{a.__class__}", "many": None, "values": {"a": 1}}, {"one": "{"}),
            {"one": "{a:f}", "values": {"a": 10**400}},
            {"one": "{a:{a}}", "many": None, "values": {"a": 999999999}},
        ):
            assert readable(json.dumps(nothing | wrong)) == fallback
        assert readable("") == fallback
