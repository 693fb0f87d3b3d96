"""What an owner may write as a source, and what is refused."""

from pathlib import Path

import pytest

from engine.errors import ModelUnavailable
from engine.hub import Origin, SourceKind, origin
from engine.hub.links import hub_link
from engine.hub.sources import read_source
from engine.models.origins import origin_of
from tests.engine.builders import model


@pytest.mark.parametrize(
    ("text", "kind", "repo", "file"),
    [
        ("someone/fox", SourceKind.PIPELINE, "someone/fox", None),
        ("a-b/c.d-1.5", SourceKind.PIPELINE, "a-b/c.d-1.5", None),
        ("a/b/c.safetensors", SourceKind.CHECKPOINT, "a/b", "c.safetensors"),
        ("a/b/deep/down/c.SAFETENSORS", SourceKind.CHECKPOINT, "a/b", "deep/down/c.SAFETENSORS"),
    ],
)
def test_what_is_on_the_hub(text: str, kind: SourceKind, repo: str, file: str | None) -> None:
    source = origin(text).source
    assert (source.kind, source.repo, source.file, source.path) == (kind, repo, file, None)


def test_what_is_on_this_machine_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "someone" / "fox").mkdir(parents=True)
    (tmp_path / "someone" / "fox" / "full.safetensors").touch()
    monkeypatch.chdir(tmp_path)
    folder = origin("someone/fox").source
    assert (folder.kind, folder.path, folder.repo) == (
        SourceKind.PIPELINE,
        tmp_path / "someone" / "fox",
        None,
    )
    file = origin("someone/fox/full.safetensors").source
    assert (file.kind, file.path) == (SourceKind.CHECKPOINT, folder.path / "full.safetensors")  # type: ignore[operator]


def test_revision_and_variant_go_along() -> None:
    source = origin("someone/fox", revision="v1", variant="fp16").source
    assert (source.revision, source.variant) == ("v1", "fp16")


@pytest.mark.parametrize("text", ["nothing", "./gone", "/nowhere/at/all", "a b/c", "https://x/y"])
def test_anything_else_is_told_what_a_source_looks_like(text: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"neither a folder nor .+ like owner/name\.$"):
        origin(text)


@pytest.mark.parametrize("text", ["gone.safetensors", "./gone.gguf", "/nowhere/gone.ckpt"])
def test_a_file_that_is_not_there_is_called_a_file(text: str) -> None:
    with pytest.raises(ModelUnavailable, match="is neither a file nor a Hub ID"):
        origin(text)


@pytest.mark.parametrize("ending", [".bin", ".ckpt", ".pt", ".pth"])
def test_pickles_are_refused_unless_allowed(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"fox{ending}"
    file.touch()
    for text in (str(file), f"someone/fox/fox{ending}"):
        with pytest.raises(ModelUnavailable, match="is a pickle, which can run any code"):
            origin(text)
        assert origin(text, allow_pickle=True).source.kind is SourceKind.CHECKPOINT


def test_other_files_are_no_models(tmp_path: Path) -> None:
    file = tmp_path / "fox.png"
    file.touch()
    with pytest.raises(ModelUnavailable, match=r"Use a \.safetensors or \.gguf file"):
        origin(str(file))


def test_a_denoiser_goes_with_a_pipeline() -> None:
    one = origin("someone/fox", denoiser="other/fox-gguf/fox-Q4.gguf", revision="v1")
    assert one.denoiser is not None
    assert one.denoiser.kind is SourceKind.GGUF
    assert (one.source.revision, one.denoiser.revision) == ("v1", None)
    with pytest.raises(
        ModelUnavailable, match=r"is only a denoiser\. Use its pipeline as the source"
    ):
        origin("other/fox-gguf/fox-Q4.gguf")
    with pytest.raises(ModelUnavailable, match=r"must be a \.gguf or \.safetensors file"):
        origin("someone/fox", denoiser="other/fox")


def test_an_entry_of_the_catalogue_has_an_origin() -> None:
    entry = model("someone/fox", variant="fp16", denoiser="a/b/c.gguf")
    assert origin_of(entry) == origin("someone/fox", variant="fp16", denoiser="a/b/c.gguf")
    assert isinstance(origin_of(entry), Origin)


@pytest.mark.parametrize(
    ("link", "source", "revision"),
    [
        ("https://huggingface.co/o/n", "o/n", None),
        ("huggingface.co/o/n/", "o/n", None),
        ("https://hf.co/o/n/tree/main", "o/n", None),
        ("https://huggingface.co/o/n/tree/v2", "o/n", "v2"),
        (
            "https://huggingface.co/o/n/resolve/main/a%20b/x.safetensors?download=true",
            "o/n/a b/x.safetensors",
            None,
        ),
        ("https://huggingface.co/o/n/blob/abc/x.gguf", "o/n/x.gguf", "abc"),
    ],
)
def test_links_to_the_hub_are_sources(link: str, source: str, revision: str | None) -> None:
    assert hub_link(link) == (source, revision)
    found = read_source(link)
    assert (found.repo, found.revision) == ("o/n", revision)


@pytest.mark.parametrize(
    "link",
    [
        "https://huggingface.co/datasets/o/n",
        "https://huggingface.co/o",
        "https://hf.co/o/n/tree/m/x",
    ],
)
def test_other_links_to_the_hub_are_told(link: str) -> None:
    with pytest.raises(ModelUnavailable, match="isn't a link to a model"):
        read_source(link)


@pytest.mark.parametrize(
    "text",
    ["a" * 300, "a/" + "b" * 300, "~nobody-here/x", "a\0b", "a/b\0", "a--b/c", "/" + "a" * 5000],
)
def test_what_no_path_can_be_is_a_sentence(text: str) -> None:
    with pytest.raises(ModelUnavailable, match="neither a folder nor a Hub ID") as told:
        read_source(text)
    assert len(str(told.value)) < 250
    assert "\0" not in str(told.value)
