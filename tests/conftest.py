"""What both wings' tests share."""

import os
import threading
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # no test reaches for the Hub
os.environ["OMP_NUM_THREADS"] = "1"  # tiny models only lose by sharing a step among cores


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: the last ones that two workers do are to be short."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Stable Diffusion pipeline with tiny random weights."""
    from tests import tiny

    return tiny.stable_diffusion(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(autouse=True)
def _nobody_builds() -> None:
    """A model that the test before had loaded early may still be on its way.

    While it is built, modules that a test makes itself would have no weights
    (`engine.diffusion.build_lock`).
    """
    for thread in threading.enumerate():
        if thread.name.startswith("load "):
            thread.join()
