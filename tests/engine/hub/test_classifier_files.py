"""Where a classifier's files are, and how they come from the Hub."""

from pathlib import Path

import pytest

from engine.errors import ModelUnavailable
from engine.hub import HubClient
from engine.hub.classifier_files import (
    FILES,
    classifier_on_disk,
    download_classifier,
    labels_in,
)
from tests.hub_server import HubServer
from tests.tiny.classifier import classifier


def test_a_folder_is_taken_as_it_is_and_says_its_labels(tmp_path: Path) -> None:
    folder = classifier(tmp_path, "all")
    assert classifier_on_disk(str(folder)) == folder
    assert labels_in(folder) == ("normal", "nsfw")


def test_a_folder_that_lacks_something_is_refused(tmp_path: Path) -> None:
    (classifier(tmp_path, "all") / "preprocessor_config.json").unlink()
    with pytest.raises(ModelUnavailable, match=r"Missing: preprocessor_config\.json\."):
        classifier_on_disk(str(tmp_path))
    with pytest.raises(ModelUnavailable, match="nor a Hub ID"):
        classifier_on_disk(str(tmp_path / "nowhere"))


@pytest.mark.usefixtures("cache")
def test_what_is_on_the_hub_comes_once(tmp_path: Path, server: HubServer) -> None:
    server.add("someone/classifier", classifier(tmp_path, "all"))
    assert classifier_on_disk("someone/classifier") is None
    hub = HubClient(server.endpoint)
    folder = download_classifier("someone/classifier", hub)
    assert all((folder / name).is_file() for name in FILES)
    assert classifier_on_disk("someone/classifier") == folder


@pytest.mark.usefixtures("cache")
def test_what_is_no_classifier_is_named_so(tmp_path: Path, server: HubServer) -> None:
    (tmp_path / "config.json").write_text("{}")
    server.add("someone/text", tmp_path)
    hub = HubClient(server.endpoint)
    with pytest.raises(ModelUnavailable, match=r"Missing: preprocessor_config\.json, model\.safe"):
        download_classifier("someone/text", hub)
    with pytest.raises(ModelUnavailable, match="no public model “someone/nothing”"):
        download_classifier("someone/nothing", hub)
