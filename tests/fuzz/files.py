"""Files that strangers send or write: pictures with settings, headers of weights, settings."""

import json
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hypothesis import strategies as st

from cli.errors import SettingsError
from cli.settings import load_settings
from engine.errors import InvalidRequest
from engine.hub.errors import CorruptFile
from engine.hub.gguf_header import HeaderIncomplete, NotGGUF, read_header
from engine.hub.tensor_headers import read_safetensors
from engine.images.metadata import parse_parameters, read_settings
from engine.training.dataset.captions import read_captions
from engine.training.dataset.files import find_files
from tests.engine.images.metadata.builders import chunk, exif, jpeg, png, stealth, text_chunk, webp
from tests.fuzz.target import Target

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("prompt", "sui_image_params", "seed", "loras", "inputs", "class_type", "w"),
                    *(
                        "KSampler",
                        "positive",
                        "image",
                        "steps",
                        "Comment",
                        "resolution",
                        "app",
                        "1",
                    ),
                    *(
                        "metadata_scheme",
                        "v4_prompt",
                        "caption",
                        "positive_prompt",
                        "use_lora_model",
                    ),
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)

PARAMETERS = st.lists(
    st.sampled_from(
        [
            *(
                "a cat",
                "\nNegative prompt: ",
                "\nSteps: 3",
                ", Sampler: Euler a",
                ", Seed: 77",
                '"',
            ),
            *(", Size: 96x64", ", CFG scale: nan", " | ", "\r\n", "\0", "\\", "{", "}", ", Lora: "),
            *("Template: ", ", Civitai resources: [", "Steps: " + "9" * 400, ": ", ",", "<lora:"),
        ]
    )
    | st.text(max_size=5),
    max_size=200,
).map("".join)

SETTINGS = PARAMETERS | JSON.map(json.dumps)

KEYWORDS = st.sampled_from(
    ["parameters", "prompt", "workflow", "Comment", "invokeai_metadata", "sd-metadata", "Software"]
)


def _png(keyword: str, text: str, kind: bytes) -> bytes:
    latin = text.encode("latin-1", "ignore").decode("latin-1")
    return png(text_chunk(keyword, text if kind == b"iTXt" else latin, kind))


def _exif(text: str, encoding: str, order: str) -> bytes:
    return exif(b"UNICODE\0" + text.encode(encoding, "replace"), order)


EXIFS = st.builds(
    _exif, SETTINGS, st.sampled_from(["utf-16-le", "utf-16-be", "utf-8"]), st.sampled_from("<>")
) | st.binary(max_size=60)

WHOLE = (
    st.builds(_png, KEYWORDS, SETTINGS, st.sampled_from([b"tEXt", b"zTXt", b"iTXt"]))
    | EXIFS.map(jpeg)
    | EXIFS.map(webp)
    | EXIFS.map(lambda block: png(chunk(b"eXIf", block)))
    | st.dictionaries(KEYWORDS, SETTINGS, max_size=3).map(stealth)
)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes, some of which were changed, taken out or put in."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(data[: draw(st.none() | st.integers(0, len(data)))])


BEGINNINGS = st.sampled_from(
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe1", b"GIF89a", b"BM"]
)
PICTURES = damaged(WHOLE) | st.tuples(BEGINNINGS, st.binary(max_size=300)).map(b"".join)


def _gguf(version: int, counts: tuple[int, int], rest: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, *counts) + rest


NUMBERS = st.integers(0, 12) | st.sampled_from([2**31, 2**32 - 1, 2**62, 2**64 - 1])
PACKED = st.lists(
    NUMBERS.map(lambda n: struct.pack("<Q", n))
    | st.integers(0, 31).map(lambda n: struct.pack("<I", n))
    | st.just(struct.pack("<Q", 17) + b"general.alignment")
    | st.binary(max_size=9),
    max_size=60,
).map(b"".join)
GGUF = st.builds(_gguf, st.integers(1, 4), st.tuples(NUMBERS, NUMBERS), PACKED)

ENTRY = st.fixed_dictionaries(
    {"dtype": st.just("F32"), "shape": JSON, "data_offsets": st.lists(JSON, max_size=3)}
)
HEADERS = st.dictionaries(st.text(max_size=5), ENTRY | JSON, max_size=4) | JSON
SAFETENSORS = damaged(
    HEADERS.map(lambda it: json.dumps(it).encode()).map(
        lambda raw: struct.pack("<Q", len(raw)) + raw
    )
)

TOML = st.lists(
    st.sampled_from(
        [
            *(
                "[discord]\n",
                "[engine]\n",
                "[models.a]\n",
                "[[models]]\n",
                "[limits]\n",
                "\n",
                " = ",
            ),
            *(
                "token",
                "source",
                "device",
                "family",
                "width",
                "path",
                "[storage]\n",
                "'''",
                '"',
                "\\",
            ),
            *(
                "'C:\\models'",
                '"C:\\models"',
                "true",
                "1979-05-27",
                "nan",
                "-1",
                "[",
                "]",
                "{",
                "}",
            ),
            *(
                "9" * 30,
                "a.b",
                "[adapters.x]\n",
                "#",
                "\0",
                "\ufeff",
                '"owner/name"',
                "default_model",
            ),
        ]
    )
    | st.text(max_size=4),
    max_size=25,
).map("".join)

CAPTIONS = st.tuples(
    st.sampled_from(("metadata.jsonl", "metadata.csv", "a.txt")),
    st.lists(
        st.sampled_from(
            [
                *("file_name,text,repeats\n", "a.png,", '"', ",", "\n", "\r", "\0", "\ufeff"),
                *('{"file_name": "a.png", "text": "', '"}', '", "repeats": ', "1e999", "NaN", "}"),
                *("\\ud800", "{", "[" * 3000, "../", "9" * 5000, "-1", "null", "a\u0301"),
            ]
        )
        | st.text(max_size=4),
        max_size=25,
    ).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass")),
)


@contextmanager
def _stored(data: bytes, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        yield path


def check_picture(data: bytes) -> None:
    """There are settings that a request can be made of, none, or a sentence."""
    with suppress(InvalidRequest):
        found = read_settings(data)
        if found is not None and found.text:
            parse_parameters(found.text)


def check_parameters(text: str) -> None:
    """They are read, or a sentence says why not."""
    with suppress(InvalidRequest):
        parse_parameters(text)


def check_gguf(data: bytes) -> None:
    """There are tensors, or it is said what it is."""
    with suppress(HeaderIncomplete, NotGGUF):
        read_header(data)


def check_safetensors(data: bytes) -> None:
    """There are tensors, or the file is said to be damaged."""
    with _stored(data, "model.safetensors") as path, suppress(CorruptFile):
        read_safetensors(path)


def check_toml(text: str) -> None:
    """There are settings, or sentences say what is wrong."""
    data = text.encode("utf-8", "surrogatepass")
    with _stored(data, "config.toml") as path, suppress(SettingsError):
        load_settings(path)


def check_captions(named: tuple[str, bytes]) -> None:
    """They are text that can be written again, and warnings say what isn't used."""
    name, data = named
    with _stored(data, name) as path:
        path.with_name("a.png").touch()
        captions = read_captions(find_files(path.parent))
    for caption in captions.by_picture.values():
        assert caption.text.encode() == " ".join(caption.text.split()).encode()
        assert caption.repeats is None or caption.repeats >= 1


TARGETS = (
    Target("pictures", PICTURES, check_picture),
    Target("parameters", PARAMETERS, check_parameters),
    Target("GGUF headers", GGUF, check_gguf),
    Target("safetensors", SAFETENSORS, check_safetensors),
    Target("settings", TOML, check_toml),
    Target("captions", CAPTIONS, check_captions),
)
