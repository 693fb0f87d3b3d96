"""Which pipelines of the installed Diffusers can be used, told without importing it."""

import ast
import inspect
import subprocess
import sys

import diffusers
import pytest
from diffusers.pipelines import auto_pipeline

from engine.errors import ModelUnavailable
from engine.hub.diffusers_sources import arguments_of, bases_of, call_of, siblings_of
from engine.hub.modular_blocks import blocks_of
from engine.hub.pipeline_class import known_pipeline_class, lora_mixin_of, pipeline_class

OUTSIDE_THE_MAP = {
    "BriaPipeline": (30, 5.0, 1024),
    "BriaFiboPipeline": (30, 5.0, 1024),
    "DreamLitePipeline": (30, 3.5, 1024),
    "ErnieImagePipeline": (50, 4.0, 1024),
    "HiDreamImagePipeline": (50, 5.0, 1024),
    "HunyuanImagePipeline": (50, 3.25, 2048),
    "Kandinsky5T2IPipeline": (50, 3.5, 1024),
    "LongCatImagePipeline": (50, 4.5, 1024),
    "OmniGenPipeline": (50, 2.5, 1024),
    "PRXPixelPipeline": (28, 4.0, 1024),
    "SanaSprintPipeline": (2, 4.5, 1024),
}
"""Steps, guidance and side by the class."""


@pytest.mark.parametrize("name", OUTSIDE_THE_MAP)
def test_what_paints_from_a_prompt_can_be_used_with_its_own_defaults(name: str) -> None:
    found = pipeline_class(name)
    assert found.name == name
    known = (found.num_inference_steps, found.guidance_scale, found.side)
    assert known == OUTSIDE_THE_MAP[name]


MODULAR = {
    "AnimaModularPipeline": (50, 4.0, 1024),
    "Flux3ModularPipeline": (50, 3.5, 1024),
    "Flux3DistilledModularPipeline": (16, 1.0, 1024),
}
"""Steps, guidance and side, by the class."""


@pytest.mark.parametrize("name", MODULAR)
def test_of_a_modular_pipeline_the_blocks_tell_what_it_takes(name: str) -> None:
    found = pipeline_class(name)
    assert found.name == found.image_to_image == name
    known = (found.num_inference_steps, found.guidance_scale, found.side)
    assert known == MODULAR[name]
    assert (
        found.lora_mixin
        == f"{name.removesuffix('ModularPipeline').removesuffix('Distilled')}LoraLoaderMixin"
    )


@pytest.mark.parametrize("name", [*MODULAR, "Krea2TurboModularPipeline", "ZImageModularPipeline"])
def test_the_blocks_are_read_as_diffusers_builds_them(name: str) -> None:
    blocks = getattr(diffusers, getattr(diffusers, name).default_blocks_name)()
    read = blocks_of(name)
    assert read is not None
    assert list(read.inputs) == [each.name for each in blocks.inputs if each.name]
    assert list(read.components) == [each.name for each in blocks.expected_components]
    assert list(read.outputs) == [each.name for each in blocks.outputs]
    plain = {each.name: each.default for each in blocks.inputs if type(each.default) is int}
    assert plain == {key: read.inputs[key] for key in plain}


def test_the_maps_of_diffusers_lead_to_the_class_for_a_prompt_and_to_that_for_a_picture() -> None:
    found = pipeline_class("LatentConsistencyModelImg2ImgPipeline")
    assert found.name == "LatentConsistencyModelPipeline"
    assert found.image_to_image == "LatentConsistencyModelImg2ImgPipeline"
    assert pipeline_class("Flux2Pipeline").image_to_image == "Flux2Pipeline"
    assert pipeline_class("ErnieImagePipeline").image_to_image is None


def test_loras_are_told_by_their_mixin() -> None:
    assert lora_mixin_of("ErnieImagePipeline") == "ErnieImageLoraLoaderMixin"
    assert lora_mixin_of("BriaPipeline") is None
    assert lora_mixin_of("StableDiffusionXLPAGPipeline") == lora_mixin_of(
        "StableDiffusionXLPipeline"
    )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("StableDiffusionControlNetPipeline", "needs a control picture"),
        ("FluxControlImg2ImgPipeline", "needs a control picture"),
        ("WanPipeline", "makes videos"),
        ("HeliosPipeline", "makes videos"),
        ("AceStepPipeline", "doesn't paint pictures from a prompt"),
        ("DDPMPipeline", "doesn't paint pictures from a prompt"),
        ("StableDiffusionGLIGENPipeline", "doesn't paint pictures from a prompt"),
        ("Kandinsky5I2IPipeline", "needs more than a prompt: image"),
        ("LongCatImageEditPipeline", "needs more than a prompt: image"),
        ("StableDiffusionUpscalePipeline", "needs more than a prompt: image"),
        ("StableDiffusionInstructPix2PixPipeline", "needs more than a prompt: image"),
        ("JoyImageEditPlusPipeline", "needs more than a prompt: image"),
        ("DiffusionPipeline", "isn't a pipeline of the installed Diffusers"),
        ("AutoPipelineForText2Image", "isn't a pipeline of the installed Diffusers"),
        ("UNet2DConditionModel", "isn't a pipeline of the installed Diffusers"),
        ("MyOwnPipeline", "code from repositories is never run"),
        ("ModularPipeline", "isn't a pipeline of the installed Diffusers"),
        ("LTX2ModularPipeline", "makes videos"),
        ("MiniMaxMusic3ModularPipeline", "doesn't paint pictures from a prompt"),
        ("QwenImageEditModularPipeline", "needs more than a prompt: image"),
        ("QwenImageLayeredModularPipeline", "needs more than a prompt: image"),
        ("AnimaAutoBlocks", "isn't a pipeline of the installed Diffusers"),
        ("../../etc/passwd", "“../../etc/passwd”, which isn't a pipeline"),
        ("__import__('os').system('x')", "which isn't a pipeline"),
        ("", "“”, which isn't a pipeline"),
        ("A" * 5000, "“A{60}…”, which isn't"),
    ],
)
def test_what_cant_be_used_is_refused_with_its_reason(name: str, why: str) -> None:
    with pytest.raises(ModelUnavailable, match=why):
        pipeline_class(name)
    assert known_pipeline_class(name) is None


@pytest.mark.parametrize(
    "name",
    ["StableDiffusionPAGPipeline", "ErnieImagePipeline", "FluxImg2ImgPipeline", "BriaPipeline"],
)
def test_the_source_text_is_read_as_python_reads_it(name: str) -> None:
    kind = getattr(diffusers, name)
    parameters = dict(inspect.signature(kind.__call__).parameters)
    parameters.pop("self")
    call = call_of(name)
    assert isinstance(call, ast.FunctionDef)
    read = arguments_of(call)
    assert list(read) == list(parameters)
    plain = {n: d for n, d in read.items() if isinstance(d, int | float | str)}
    assert plain == {n: parameters[n].default for n in plain}
    assert {base.__name__ for base in kind.__mro__} >= set(bases_of(name)) - {"KolorsPipeline"}


def test_the_maps_are_those_of_diffusers() -> None:
    for task in ("AUTO_TEXT2IMAGE_PIPELINES_MAPPING", "AUTO_IMAGE2IMAGE_PIPELINES_MAPPING"):
        entries = getattr(auto_pipeline, task)
        for kind in entries.values():
            assert siblings_of(kind.__name__)[task] in {one.__name__ for one in entries.values()}


def test_neither_torch_nor_diffusers_is_imported() -> None:
    program = (
        "import sys; from engine.hub.pipeline_class import pipeline_class; "
        "pipeline_class('ErnieImagePipeline'); pipeline_class('AnimaModularPipeline'); "
        "print(sorted({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"
