"""The settings of both sides."""

import pytest

from engine.cluster.settings import ClusterSettings


def test_settings_name_one_place() -> None:
    assert not ClusterSettings().enabled
    assert ClusterSettings(listen="[::1]:4222").bound == ("::1", 4222)
    assert ClusterSettings(url="tls://nats.example.org").enabled
    for wrong in ({"listen": "4222"}, {"listen": "a:0"}, {"url": "http://x"}, {"address": "a/b"}):
        with pytest.raises(ValueError, match=r"."):
            ClusterSettings(**wrong)
