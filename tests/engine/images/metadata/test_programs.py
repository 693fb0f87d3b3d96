"""Each program's settings, read from pictures as it writes them."""

from __future__ import annotations

import json
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InvalidRequest
from engine.images.metadata import PROGRAMS, parse_parameters, read_settings
from engine.jobs.request import ImageRequest
from tests.engine.images.metadata.builders import chunk, exif, jpeg, png, stealth, text_chunk, webp

PROMPT = "a red house under a yellow moon, (best quality:1.2)"
NEGATIVE = "lowres, blurry"
LINE = (
    "Steps: 3, Sampler: Euler a, Schedule type: Automatic, CFG scale: 5.5, Seed: 77, Size: 96x64, "
    "Model hash: 6ce0161689, Model: tiny, Clip skip: 2, Version: v1.10.1"
)
A1111 = f"{PROMPT}\nNegative prompt: {NEGATIVE}\n{LINE}"

RIGHT = ImageRequest(
    prompt=PROMPT,
    negative_prompt=NEGATIVE,
    model="tiny",
    width=96,
    height=64,
    num_inference_steps=3,
    guidance_scale=5.5,
    seed=77,
    scheduler="euler_a",
)

SWARM: dict[str, Any] = {
    "sui_image_params": {
        "prompt": PROMPT,
        "negativeprompt": NEGATIVE,
        "model": "tiny",
        "seed": 77,
        "steps": 3,
        "cfgscale": 5.5,
        "width": 96,
        "height": 64,
        "sampler": "euler_ancestral",
        "scheduler": "normal",
        "swarm_version": "0.9.7.0",
    },
    "sui_extra_data": {"date": "2025-10-06"},
}
FOOOCUS: dict[str, Any] = {
    "base_model": "tiny.safetensors",
    "metadata_scheme": "fooocus",
    "prompt": PROMPT,
    "negative_prompt": NEGATIVE,
    "resolution": "(96, 64)",
    "sampler": "euler_ancestral",
    "scheduler": "karras",
    "seed": "77",
    "steps": 3,
    "guidance_scale": 5.5,
    "loras": [],
}
INVOKE: dict[str, Any] = {
    "positive_prompt": PROMPT,
    "negative_prompt": NEGATIVE,
    "width": 96,
    "height": 64,
    "seed": 77,
    "cfg_scale": 5.5,
    "steps": 3,
    "scheduler": "euler_a",
    "model": {"name": "tiny", "base": "sdxl"},
}
NOVEL: dict[str, Any] = {
    "prompt": PROMPT,
    "steps": 3,
    "height": 64,
    "width": 96,
    "scale": 5.5,
    "seed": 77,
    "noise_schedule": "karras",
    "sampler": "k_euler_ancestral",
    "uc": NEGATIVE,
}
EASY = {
    "prompt": PROMPT,
    "negative_prompt": NEGATIVE,
    "seed": "77",
    "num_inference_steps": "3",
    "guidance_scale": "5.5",
    "use_stable_diffusion_model": "tiny",
    "width": "96",
    "height": "64",
    "sampler_name": "euler_a",
}


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


COMFY: dict[str, Any] = {
    "3": node(
        "KSampler",
        seed=77,
        steps=3,
        cfg=5.5,
        sampler_name="euler_ancestral",
        scheduler="normal",
        denoise=1.0,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    ),
    "4": node("CheckpointLoaderSimple", ckpt_name="sd/tiny.safetensors"),
    "5": node("EmptyLatentImage", width=96, height=64, batch_size=1),
    "6": node("CLIPTextEncode", text=["10", 0], clip=["4", 1]),
    "7": node("CLIPTextEncode", text=NEGATIVE, clip=["4", 1]),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", images=["8", 0]),
    "10": node("PrimitiveString", value=PROMPT),
}
SECOND_PASS = COMFY | {
    "8": node("VAEDecode", samples=["21", 0], vae=["4", 2]),
    "20": node("LatentUpscaleBy", samples=["3", 0], scale_by=2),
    "21": node(
        "KSampler",
        seed=1,
        steps=9,
        cfg=1,
        sampler_name="ddim",
        denoise=0.5,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["20", 0],
    ),
}
CONTROLLED = COMFY | {
    "3": node("KSampler", **COMFY["3"]["inputs"] | {"positive": ["30", 0], "negative": ["30", 1]}),
    "30": node("ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], strength=1),
}
FLUX = {
    "1": node("UNETLoader", unet_name="tiny.safetensors"),
    "2": node("CLIPTextEncode", text=PROMPT, clip=["11", 0]),
    "3": node("FluxGuidance", conditioning=["2", 0], guidance=3.5),
    "4": node("BasicGuider", model=["1", 0], conditioning=["3", 0]),
    "5": node("RandomNoise", noise_seed=77),
    "6": node("KSamplerSelect", sampler_name="euler"),
    "7": node("BasicScheduler", model=["1", 0], scheduler="simple", steps=3, denoise=1),
    "8": node("EmptySD3LatentImage", width=96, height=64),
    "9": node(
        "SamplerCustomAdvanced",
        noise=["5", 0],
        guider=["4", 0],
        sampler=["6", 0],
        sigmas=["7", 0],
        latent_image=["8", 0],
    ),
    "10": node("SaveImage", images=["12", 0]),
    "12": node("VAEDecode", samples=["9", 0]),
}


def comment(value: str, encoding: str = "utf-16-le", mark: bytes = b"UNICODE\0") -> bytes:
    return exif(mark + value.encode(encoding))


PICTURES: dict[str, tuple[bytes, str]] = {
    "text before": (png(parameters=A1111), ""),
    "text after": (png(after=(text_chunk("parameters", A1111),)), ""),
    "iTXt after": (png(after=(text_chunk("parameters", A1111, b"iTXt"),)), ""),
    "zTXt": (png(text_chunk("parameters", A1111, b"zTXt")), ""),
    "UTF-16 LE": (jpeg(comment(A1111)), ""),
    "UTF-16 BE": (jpeg(comment(A1111, "utf-16-be")), ""),
    "UTF-16 with its own mark": (webp(comment(A1111, "utf-16")), ""),
    "UTF-16 without a mark": (jpeg(comment(A1111, mark=b"")), ""),
    "UTF-8 marked as Unicode": (jpeg(comment(A1111, "utf-8")), ""),
    "ASCII": (webp(comment(A1111, "ascii", b"ASCII\0\0\0")), ""),
    "UTF-8": (jpeg(comment(A1111, "utf-8", b"")), ""),
    "no encoding named": (jpeg(comment(A1111, "utf-8", bytes(8))), ""),
    "Fooocus, A1111 scheme": (jpeg(exif(A1111.encode() + b"\0", inner=False)), ""),
    "CRLF": (png(parameters=A1111.replace("\n", "\r\n")), ""),
    "one line": (png(parameters=f"{PROMPT}.Negative prompt: {NEGATIVE}.{LINE}"), ""),
    "templates below": (
        png(parameters=f"{A1111}\n\nTemplate: a {{red|blue}} house\n\nNegative Template: x"),
        "",
    ),
    "SD.Next": (
        png(
            parameters=f"{PROMPT}\nNegative prompt: {NEGATIVE}\nSteps: 3 | Seed: 77 | Sampler: "
            "Euler a | CFG scale: 5.5 | Size: 96x64 | Parser: Full parser | Model: tiny"
        ),
        "",
    ),
    "SwarmUI": (png(parameters=json.dumps(SWARM, indent=2)), "SwarmUI"),
    "SwarmUI, JPEG": (jpeg(comment(json.dumps(SWARM))), "SwarmUI"),
    "Fooocus": (png(parameters=json.dumps(FOOOCUS), fooocus_scheme="fooocus"), "Fooocus"),
    "Fooocus, JPEG": (jpeg(exif(json.dumps(FOOOCUS).encode(), inner=False)), "Fooocus"),
    "InvokeAI": (png(invokeai_metadata=json.dumps(INVOKE)), "InvokeAI"),
    "NovelAI": (png(Software="NovelAI", Comment=json.dumps(NOVEL)), "NovelAI"),
    "NovelAI, alpha": (
        stealth({"Description": PROMPT, "Software": "NovelAI", "Comment": json.dumps(NOVEL)}),
        "NovelAI",
    ),
    "NovelAI, colours": (
        stealth({"Software": "NovelAI", "Comment": json.dumps(NOVEL)}, b"stealth_rgbinfo"),
        "NovelAI",
    ),
    "Easy Diffusion": (
        png(*(text_chunk(key, value) for key, value in EASY.items())),
        "Easy Diffusion",
    ),
    "Easy Diffusion, JPEG": (jpeg(comment(json.dumps(EASY))), "Easy Diffusion"),
    "ComfyUI": (png(prompt=json.dumps(COMFY), workflow="{}"), "ComfyUI"),
    "ComfyUI, WebP": (
        webp(exif(b"prompt:" + json.dumps(COMFY).encode(), tag=0x0110, inner=False)),
        "ComfyUI",
    ),
    "ComfyUI, two passes": (png(prompt=json.dumps(SECOND_PASS)), "ComfyUI"),
    "ComfyUI, ControlNet": (png(prompt=json.dumps(CONTROLLED)), "ComfyUI"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_settings_are_read(name: str) -> None:
    picture, program = PICTURES[name]
    settings = read_settings(picture)
    assert settings is not None
    made = parse_parameters(settings.text)
    expected = RIGHT
    if program == "NovelAI":
        expected = ImageRequest(**RIGHT.to_json() | {"model": None, "adapters": ()})
    assert made == expected
    said = [f"These settings were written by {program}."] if program else []
    assert list(settings.notes) == said


def test_exif_in_a_png_is_read() -> None:
    settings = read_settings(png(chunk(b"eXIf", comment(A1111))))
    assert settings is not None
    assert parse_parameters(settings.text) == RIGHT


@pytest.mark.parametrize(
    "picture",
    [
        png(parameters=f"{PROMPT}\nSteps: 3, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 77"),
        png(prompt=json.dumps(FLUX)),
        png(invokeai_metadata=json.dumps(INVOKE | {"cfg_scale": 1, "guidance": 3.5})),
    ],
    ids=["Forge", "ComfyUI", "InvokeAI"],
)
def test_distilled_guidance_is_the_guidance(picture: bytes) -> None:
    settings = read_settings(picture)
    assert settings is not None
    made = parse_parameters(settings.text)
    assert (made.guidance_scale, made.num_inference_steps, made.seed) == (3.5, 3, 77)
    assert made.prompt == PROMPT


def test_civitai_lists_what_was_used() -> None:
    resources = [
        {"type": "checkpoint", "modelName": "Pony: XL"},
        {"type": "lora", "weight": 0.8, "modelName": "Fox, red"},
    ]
    line = LINE.replace("Model: tiny, ", "")
    text = f"{PROMPT}\n{line}, Civitai resources: {json.dumps(resources)}, Civitai metadata: {{}}"
    settings = read_settings(jpeg(comment(text, "utf-16-be")))
    assert settings is not None
    made = parse_parameters(settings.text)
    assert (made.model, made.seed) == ("Pony  XL", 77)
    assert "Fox  red" in settings.notes[0]


def test_loras_of_others_go_into_the_prompt() -> None:
    params = SWARM["sui_image_params"] | {"loras": ["x/fox.safetensors"], "loraweights": ["0.8"]}
    settings = read_settings(png(parameters=json.dumps({"sui_image_params": params})))
    assert settings is not None
    assert parse_parameters(settings.text).prompt == f"{PROMPT} <lora:fox:0.8>"


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (png(workflow="{}"), "written by ComfyUI, but its settings can't be read"),
        (png(prompt=json.dumps({"1": node("Other")})), "written by ComfyUI, but"),
        (png(invokeai_graph="{}"), "written by InvokeAI, but"),
        (png(Software="NovelAI"), "written by NovelAI, but"),
        (png(parameters='{"something": "else"}'), "in a form that isn't known here"),
        (png(parameters='{"sui_image_params": {"prompt": "cut'), "in a form that isn't known"),
        (png(parameters="[" * 100_000 + "{"), "in a form that isn't known here"),
    ],
)
def test_what_cannot_be_read_is_named_and_json_is_no_prompt(picture: bytes, sentence: str) -> None:
    settings = read_settings(picture)
    assert settings is not None
    assert settings.text == ""
    assert sentence in settings.notes[0]


def test_seeds_of_64_bits_and_long_prompts_are_said() -> None:
    values = NOVEL | {"seed": 2**64 - 1, "prompt": "a" * 2300, "uc": "b" * 2300}
    settings = read_settings(png(Software="NovelAI", Comment=json.dumps(values)))
    assert settings is not None
    notes = " ".join(settings.notes)
    assert f"The seed {2**64 - 1} isn't used: the largest here is 4294967295." in notes
    assert "The prompt in this picture has 2300 characters, and only the first 2000" in notes
    assert "The negative prompt in this picture has 2300 characters" in notes
    assert len(settings.text) < 3800
    assert parse_parameters(settings.text).seed is None


@pytest.mark.parametrize("name", PICTURES)
def test_a_damaged_file_gives_settings_or_a_sentence(name: str) -> None:
    picture = PICTURES[name][0]
    step = max(len(picture) // 60, 1)
    for at in range(0, len(picture), step):
        flipped = bytearray(picture)
        flipped[at] ^= 0xFF
        for damaged in (picture[:at], bytes(flipped), picture[:at] + bytes(9) + picture[at:]):
            with suppress(InvalidRequest):
                read_settings(damaged)


@pytest.mark.parametrize("value", [None, [], {}, True, -1, 1e400, "x" * 9999, [[[]]], {"a": [1]}])
def test_values_of_the_wrong_type_are_left_out(value: Any) -> None:
    for key in SWARM["sui_image_params"]:
        params = SWARM["sui_image_params"] | {key: value}
        read_settings(png(parameters=json.dumps({"sui_image_params": params})))
    for values, keyword in ((FOOOCUS, "parameters"), (INVOKE, "invokeai_metadata")):
        for key in values:
            read_settings(png(text_chunk(keyword, json.dumps(values | {key: value}))))
    for key in NOVEL:
        read_settings(png(Software="NovelAI", Comment=json.dumps(NOVEL | {key: value})))
    for graph in (COMFY, FLUX):
        for name, one in graph.items():
            for key in one["inputs"]:
                changed = one | {"inputs": one["inputs"] | {key: value}}
                read_settings(png(prompt=json.dumps(graph | {name: changed})))


@pytest.mark.parametrize(
    "text",
    [
        *(". " * 45_000, "\n" * 90_000 + "x", "Steps: 1, " * 9_000, "Negative prompt:" * 6_000),
        *("Steps: 1, " + '"' * 90_000, "Steps: 1, A: [" * 6_000, "Steps: 1, " + " " * 90_000),
        *("a: " * 30_000 + "\nSteps: 1, " + "a: " * 500, "[" * 90_000, '{"a":' * 15_000),
    ],
)
@pytest.mark.parametrize("keyword", ["parameters", "Dream", "Comment", "prompt"])
def test_what_is_made_to_take_long_does_not(text: str, keyword: str) -> None:
    start = time.process_time()
    with suppress(InvalidRequest):
        read_settings(png(text_chunk(keyword, text)))
    assert time.process_time() - start < 1


def test_a_text_that_unpacks_to_far_more_is_bounded() -> None:
    packed = b"parameters\0\0" + zlib.compress(bytes(200_000_000))
    start = time.process_time()
    assert read_settings(png(chunk(b"zTXt", packed))) is None
    assert time.process_time() - start < 3


def test_a_graph_that_goes_round_ends() -> None:
    looped = COMFY | {
        "6": node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["3", 0]),
        "5": node("Latent", samples=["3", 0], latent=["5", 0]),
        "4": node("LoraLoader", model=["4", 0], lora_name="fox", strength_model=1),
    }
    assert read_settings(png(prompt=json.dumps(looped))) is not None


@pytest.mark.parametrize("page", ["members.md", "zh-CN/members.md"])
def test_the_manual_names_the_programs(page: str) -> None:
    text = (Path(__file__).parents[4] / "docs" / page).read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for program in PROGRAMS:
        assert any(program in row.split("|")[1] for row in rows), program
