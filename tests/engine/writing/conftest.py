"""What the tests of models that write share."""

import pytest


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Captions of few words: models with random weights never end them themselves."""
    from engine.diffusion.writing import captioner

    monkeypatch.setattr(captioner, "MAX_TOKENS", 8)
