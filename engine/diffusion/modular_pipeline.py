"""Diffusers' modular pipelines, with what those have that are called whole.

They are built from their blocks and from components that are loaded one by one, so nothing is
loaded but what the index of their folder names, and no code of theirs is run.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import diffusers
from diffusers import DiffusionPipeline, ModularPipeline
from diffusers.pipelines.pipeline_utils import ImagePipelineOutput
from torch import nn

from engine.errors import ModelUnavailable
from engine.hub.modular_blocks import PROMPT_UPSAMPLER
from speech import AND, join_list, say

log = logging.getLogger(__name__)


class CalledWhole:
    """What Diffusers' other pipelines have and modular ones lack: offloading, and one result."""

    hf_device_map: Any = None
    _exclude_from_cpu_offload: tuple[str, ...] = ()
    _is_pipeline_device_mapped = DiffusionPipeline._is_pipeline_device_mapped
    _maybe_raise_error_if_tensor_parallel_active = (
        DiffusionPipeline._maybe_raise_error_if_tensor_parallel_active
    )
    enable_model_cpu_offload = DiffusionPipeline.enable_model_cpu_offload
    enable_sequential_cpu_offload = DiffusionPipeline.enable_sequential_cpu_offload
    maybe_free_model_hooks = DiffusionPipeline.maybe_free_model_hooks
    remove_all_hooks = DiffusionPipeline.remove_all_hooks
    _blocks: Any
    components: Mapping[str, Any]

    @property
    def model_cpu_offload_seq(self) -> str:
        """In which order the components work: as the blocks name them, the VAE last."""
        modules = [name for name, each in self.components.items() if isinstance(each, nn.Module)]
        return "->".join(sorted(modules, key=lambda name: name.startswith("vae")))

    def set_progress_bar_config(self, **options: Any) -> None:
        """Of all blocks, of which the loops show a progress bar."""
        blocks = [self._blocks]
        while blocks:
            block = blocks.pop()
            blocks += block.sub_blocks.values()
            if hasattr(block, "set_progress_bar_config"):
                block.set_progress_bar_config(**options)

    def __call__(self, **arguments: Any) -> ImagePipelineOutput:
        """The pictures; `arguments` are inputs of the blocks."""
        images = super().__call__(output="images", **arguments)  # type: ignore[misc]
        self.maybe_free_model_hooks()
        return ImagePipelineOutput(images=images)


def is_modular_class(kind: type) -> bool:
    """Whether a pipeline of that class is built by `modular_pipeline`."""
    return issubclass(kind, ModularPipeline)


def modular_pipeline(
    kind: Any, index: Mapping[str, Any], has: frozenset[str], load: Callable[[str], Any]
) -> Any:
    """The modular pipeline of class `kind`, that can be used as other pipelines are.

    The step that rewrites prompts is left out.

    Args:
        kind: A class of Diffusers with blocks of its own.
        index: The content of its `modular_model_index.json`.
        has: Names of the components that there are.
        load: Gives a component by its name.

    Raises:
        ModelUnavailable: Painting from a prompt takes a component that isn't there.
    """
    blocks = getattr(diffusers, kind.default_blocks_name)()
    if blocks.sub_blocks.pop(PROMPT_UPSAMPLER, None) is not None:
        log.info("%s paints prompts as they are: its prompt upsampler isn't used", kind.__name__)
    expected = {spec.name for spec in blocks.expected_components}
    settings = {name: value for name, value in index.items() if name not in expected}
    whole = type(kind.__name__, (CalledWhole, kind), {"__module__": kind.__module__})
    pipe = whole(blocks=blocks, modular_config_dict=settings)
    painting = blocks.get_execution_blocks(prompt=True).expected_components
    lacking = [
        spec.name
        for spec in painting
        if spec.name not in has and getattr(pipe, spec.name, None) is None
    ]
    if lacking:
        raise ModelUnavailable(
            say(
                "Its pipeline ({pipeline}) lacks {parts}. Choose another model.",
                pipeline=kind.__name__,
                parts=join_list(lacking, AND),
            )
        )
    pipe.register_components(**{name: load(name) for name in index if name in expected & has})
    return pipe
