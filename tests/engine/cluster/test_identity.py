"""Hashes of files, and what identifies that which a job needs."""

import hashlib
from pathlib import Path

import pytest

from engine.cluster.file_hashes import FileHashes
from engine.cluster.identity import Kind, Resource, Resources
from engine.models.catalogue import SKETCH_FOLDER, Catalogue
from tests.engine.builders import engine_settings, job, model_settings


def test_hashes_are_kept_until_the_file_changes(tmp_path: Path) -> None:
    file, kept = tmp_path / "a", tmp_path / "hashes.json"
    file.write_bytes(b"one")
    hashes = FileHashes(kept)
    assert hashes.of(file) == hashlib.sha256(b"one").hexdigest()
    file.write_bytes(b"other")
    assert hashes.of(file) == hashlib.sha256(b"other").hexdigest()
    kept.write_text("[1]")
    assert FileHashes(kept).of(file) == hashlib.sha256(b"other").hexdigest()
    name = "ab" * 32
    (tmp_path / name).write_bytes(b"as in the cache of the Hub")
    (tmp_path / "link").symlink_to(tmp_path / name)
    assert hashes.of(tmp_path / "link") == name


def test_not_all_hashes_are_remembered_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cluster.file_hashes.MOST_KNOWN", 4)
    hashes = FileHashes()
    for number in range(10):
        file = tmp_path / str(number)
        file.write_bytes(bytes(number))
        assert hashes.of(file) == hashes.of(file) == hashlib.sha256(bytes(number)).hexdigest()
    assert len(hashes._known) <= 4


def test_what_a_job_needs_and_what_identifies_it(tmp_path: Path) -> None:
    words = tmp_path / "embeddings"
    words.mkdir()
    (words / "Glow.safetensors").write_bytes(b"vectors")
    (words / "notes.txt").write_bytes(b"")
    catalogue = Catalogue({"tiny": model_settings(SKETCH_FOLDER)}, "tiny")
    resources = Resources(engine_settings(), catalogue, FileHashes(), embeddings=words)
    needed = resources.needed_by(job(prompt="a <glow> house"))
    assert needed == [Resource(Kind.MODEL, "tiny"), Resource(Kind.EMBEDDING, "glow")]
    assert resources.needed_by(job(prompt="a glowing house")) == [Resource(Kind.MODEL, "tiny")]
    assert set(resources.hashes_of(needed)) == set(needed)
    assert resources.hash_of(Resource(Kind.CONTROL, "nothing")) is None
    assert resources.hash_of(Resource(Kind.MODEL, "nothing")) is None
    with_it = job(prompt="a <glow> house")
    assert resources.needed_by(with_it) is resources.needed_by(with_it), "found out once"
