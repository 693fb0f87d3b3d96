"""Weights come and go; what is computed with them stays the same."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionPipeline
from torch import nn
from torch.testing._internal.two_tensor import TwoTensor

from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.offload.components import PinnedPart, SelfMovingPart, _part
from engine.diffusion.offload.streaming import StreamedModule, blocks_of
from engine.diffusion.offload.weights import size_of, tensors_of
from engine.memory.components import Component, Role
from engine.memory.plan import ComponentPlacement, Plan, Quantization, Residence
from engine.memory.quantization import QUANTIZATION_METHODS
from tests import tiny
from tests.engine.builders import recipe
from tests.engine.diffusion.families.parity import difference, paint

CPU = torch.device("cpu")
"""It stands in for a GPU: copies of the masters are made on it as they would be there."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.stable_diffusion(tmp_path_factory.mktemp("placement"))


@pytest.fixture
def pipe(folder: Path) -> Any:
    return StableDiffusionPipeline.from_pretrained(folder)


def place(residence: Residence, module: nn.Module, share: float = 1.0) -> ComponentPlacement:
    size = size_of(module)
    return ComponentPlacement(
        residence=residence, weight_bytes=size, resident_bytes=int(size * share)
    )


def masters(module: nn.Module) -> dict[int, int]:
    """Where the module's tensors have their data now."""
    return {id(tensor): tensor.data_ptr() for tensor in tensors_of(module)}


class Watched(nn.Module):
    """A row of layers that counts how many bytes of copies exist while each one computes."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8, bias=False) for _ in range(layers))
        self.before = masters(self)
        self.away: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def watch(self) -> None:
        for layer in self.layers:
            layer.register_forward_pre_hook(lambda *_: self.away.append(self.copied()))

    def copied(self) -> int:
        return sum(t.nbytes for t in tensors_of(self) if t.data_ptr() != self.before[id(t)])


LAYER = 8 * 8 * 4


@pytest.mark.parametrize(("resident", "staying"), [(0, 0), (3, 1), (6, 4)])
def test_as_many_blocks_stay_as_fit_beside_two_in_flight(resident: int, staying: int) -> None:
    module = Watched(8)
    x = torch.ones(1, 8)
    expected = module(x)
    streamed = StreamedModule(
        module, CPU, resident_bytes=resident * LAYER, layer_by_layer=False, pin=False
    )
    module.watch()
    streamed.to_device()
    assert streamed.streamed_bytes == (8 - staying) * LAYER
    for _ in range(2):
        assert torch.equal(module(x), expected)
    assert max(module.away) <= (staying + 1) * LAYER
    streamed.detach()
    assert masters(module) == module.before
    assert torch.equal(module(x), expected)


@pytest.mark.parametrize(("resident", "staying"), [(2, 1), (3, 1), (4, 2), (5, 5)])
def test_weights_that_two_blocks_share_are_there_for_both(resident: int, staying: int) -> None:
    """As the embeddings of a language model, which its head multiplies by."""
    module = Watched(6)
    module.layers[5].weight = module.layers[0].weight
    x = torch.ones(1, 8)
    streamed = StreamedModule(
        module, CPU, resident_bytes=resident * LAYER, layer_by_layer=False, pin=False
    )
    streamed.to_device()
    assert streamed.device_bytes == module.copied() == staying * LAYER
    there: list[bool] = []
    for layer in module.layers:
        layer.register_forward_pre_hook(
            lambda layer, _: there.append(
                module.before[id(layer.weight)] != layer.weight.data_ptr()
            )
        )
    for _ in range(2):
        module(x)
    assert all(there)


def test_the_next_block_is_on_its_way_while_one_computes() -> None:
    module = Watched(4)
    streamed = StreamedModule(module, CPU, resident_bytes=0, layer_by_layer=False, pin=False)
    waiting: list[int] = []
    module.layers[1].register_forward_pre_hook(
        lambda *_: waiting.extend(b.transfer is not None for b in streamed._blocks)
    )
    module(torch.ones(1, 8))
    assert waiting == [False, False, True, False]


def test_a_pass_over_the_first_blocks_alone_leaves_the_order_and_nothing_on_the_device() -> None:
    """A control network of Z-Image calls the transformer's first layers before it does itself."""
    module = Watched(5)
    x = torch.ones(1, 8)
    streamed = StreamedModule(module, CPU, resident_bytes=0, layer_by_layer=False, pin=False)
    module.watch()
    waiting: list[int] = []
    for layer in module.layers:
        layer.register_forward_pre_hook(
            lambda *_: waiting.append(sum(b.transfer is not None for b in streamed._blocks))
        )
    for _ in range(3):
        waiting.clear()
        for layer in module.layers[:2]:
            layer(x)
        module(x)
        assert waiting == [1, 1, 1, 1, 1, 1, 0], "the next one is on its way, but no other"
    assert max(module.away) == LAYER


def test_layer_by_layer_nothing_stays_and_nothing_comes_early() -> None:
    module = Watched(4)
    streamed = StreamedModule(
        module, CPU, resident_bytes=99 * LAYER, layer_by_layer=True, pin=False
    )
    module.watch()
    streamed.to_device()
    module(torch.ones(1, 8))
    assert streamed.streamed_bytes == 4 * LAYER
    assert max(module.away) == LAYER
    assert module.copied() == 0


def test_a_block_that_breaks_lets_its_weights_go() -> None:
    module = Watched(2)
    streamed = StreamedModule(module, CPU, resident_bytes=0, layer_by_layer=False, pin=False)
    with pytest.raises(RuntimeError, match="shapes"):
        module(torch.ones(1, 3))
    streamed.to_cpu()
    assert module.copied() == 0


def test_blocks_are_as_large_as_the_limit_allows_and_hold_every_weight(pipe: Any) -> None:
    unet = pipe.unet
    blocks = list(blocks_of(unet, size_of(unet) // 16))
    inside = {id(t) for block in blocks for t in tensors_of(block)}
    assert inside == {id(t) for t in tensors_of(unet)}
    assert sum(map(size_of, blocks)) == size_of(unet)
    assert len(blocks) > 16


PLANS: dict[str, tuple[Residence, Residence, Residence, float]] = {
    "resident": (Residence.RESIDENT, Residence.RESIDENT, Residence.RESIDENT, 1.0),
    "encoders": (Residence.OFFLOADED, Residence.RESIDENT, Residence.RESIDENT, 1.0),
    "model": (Residence.OFFLOADED, Residence.OFFLOADED, Residence.OFFLOADED, 1.0),
    "half streamed": (Residence.OFFLOADED, Residence.STREAMED, Residence.RESIDENT, 0.5),
    "all streamed": (Residence.STREAMED, Residence.STREAMED, Residence.OFFLOADED, 0.0),
}


@pytest.fixture(params=PLANS)
def plan(request: pytest.FixtureRequest, pipe: Any) -> Plan:
    encoder, unet, vae, share = PLANS[request.param]
    return Plan(
        dtype="float32",
        places={
            "text_encoder": place(encoder, pipe.text_encoder, share),
            "unet": place(unet, pipe.unet, share),
            "vae": place(vae, pipe.vae),
        },
    )


def test_every_plan_paints_the_same_picture(pipe: Any, plan: Plan, folder: Path) -> None:
    plain = StableDiffusionPipeline.from_pretrained(folder)
    asked = recipe(negative_prompt="fish", guidance_scale=5.0)
    [expected] = paint(StableDiffusion(plain, OffloadedComponents(plain, CPU), None), asked)
    parts = OffloadedComponents(pipe, CPU, plan)
    family = StableDiffusion(pipe, parts, None)
    for _ in range(2):
        [painted] = paint(family, asked)
        assert difference(painted, expected) == 0
        parts.release()


def test_visitors_make_room_for_each_other_and_leave_nothing_behind(pipe: Any) -> None:
    before = {name: masters(part) for name, part in pipe.components.items() if _is_module(part)}
    parts = OffloadedComponents(
        pipe,
        CPU,
        Plan(
            dtype="float32",
            places={
                "text_encoder": place(Residence.OFFLOADED, pipe.text_encoder),
                "unet": place(Residence.OFFLOADED, pipe.unet),
                "vae": place(Residence.RESIDENT, pipe.vae),
            },
        ),
    )

    def there() -> set[str]:
        return {name for name in before if masters(pipe.components[name]) != before[name]}

    assert there() == set()
    with parts.use("text_encoder"):
        assert there() == {"text_encoder"}
    with parts.use("vae"):
        assert there() == {"text_encoder", "vae"}
    with parts.use("unet", "feature_extractor"):
        assert there() == {"vae", "unet"}
    with parts.use("unet"):
        assert there() == {"vae", "unet"}
    parts.release()
    assert there() == set()


@pytest.mark.parametrize("with_plan", [True, False])
def test_a_component_that_is_taken_out_gives_back_its_ram(pipe: Any, with_plan: bool) -> None:
    parts = OffloadedComponents(pipe, CPU, Plan(dtype="float32", places={}) if with_plan else None)
    module = nn.Linear(8, 8)
    facts = Component(
        name="control",
        role=Role.CONTROL,
        class_name="ControlNetModel",
        parameters=72,
        stored_bytes=288,
        largest_block=72,
    )
    parts.add(facts, module)
    with parts.use("control"), parts.altering("control"):
        pass
    gone = weakref.ref(module)
    parts.remove("control")
    del module
    gc.collect()
    assert gone() is None


LIBRARIES = [method for method, facts in QUANTIZATION_METHODS.items() if facts.library]


@pytest.mark.parametrize("method", LIBRARIES)
def test_weights_of_a_librarys_own_kind_move_by_themselves(method: Quantization) -> None:
    """Torchao's fail when inference tensors take their place."""
    module = nn.Linear(8, 8)
    part = _part(module, CPU, replace(place(Residence.RESIDENT, module), quantization=method))
    assert isinstance(part, SelfMovingPart | PinnedPart)


def test_what_is_on_the_device_is_not_moved_there_again(monkeypatch: pytest.MonkeyPatch) -> None:
    module = nn.Linear(8, 8)
    moved: list[torch.device] = []
    monkeypatch.setattr(module, "to", moved.append)
    part = SelfMovingPart(module, torch.device("cuda", 0))
    for _ in range(3):
        part.to_device()
    part.to_cpu()
    part.to_device()
    assert [device.type for device in moved] == ["cpu", "cuda", "cpu", "cuda"]


def test_quantized_weights_count_with_their_scales_and_states() -> None:
    """A tensor of torchao's says it takes as much as before it was quantized."""
    module = nn.Linear(8, 8, bias=False)
    data, scale = torch.zeros(8, 8, dtype=torch.int8), torch.zeros(8, 8, dtype=torch.int8)
    both: Any = TwoTensor(data, scale)  # type: ignore[no-untyped-call]
    module.weight = nn.Parameter(both, requires_grad=False)
    assert size_of(module) == data.nbytes + scale.nbytes
    packed: Any = nn.Parameter(torch.zeros(32, 1, dtype=torch.uint8), requires_grad=False)
    inner = SimpleNamespace(absmax=torch.zeros(1), state2=None)
    packed.quant_state = SimpleNamespace(absmax=torch.zeros(4), shape=(8, 8), state2=inner)
    module.weight = packed
    assert size_of(module) == 32 + 4 * 4 + 4


def _is_module(part: object) -> bool:
    return isinstance(part, nn.Module)
