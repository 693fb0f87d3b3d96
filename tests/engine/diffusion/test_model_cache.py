"""Models at hand: going back to one is a transfer, a failing switch costs nothing, RAM is freed."""

import gc
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.diffusion import Device
from engine.diffusion import model_memory as memory_module
from engine.diffusion.loader import LoadedModel, ModelLoader
from engine.diffusion.model_cache import ModelCache
from engine.diffusion.textual_inversion import TextualInversions
from engine.diffusion.warm_models import WarmModels
from engine.errors import ModelUnavailable
from engine.memory.plan import Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.planner import Choice, choose
from engine.memory.profiles import ProfileStore
from engine.models.adapters import AdapterCatalogue
from engine.models.catalogue import Model
from tests.engine.builders import engine_settings, model

ENDLESS = 2**60


class Counted(ModelLoader):
    """A loader that counts, and that may be held up."""

    def __init__(self) -> None:
        settings = engine_settings()
        device = Device.choose(settings)
        super().__init__(
            settings,
            device,
            ProfileStore(),
            lambda found: None,
            AdapterCatalogue(),
            TextualInversions(),
        )
        self.loads: list[str] = []
        self.threads: list[str] = []
        self.go = threading.Event()
        self.go.set()

    def load(self, model: Model, *arguments: Any, **named: Any) -> LoadedModel:
        self.loads.append(model.name)
        self.threads.append(threading.current_thread().name)
        assert self.go.wait(20)
        return super().load(model, *arguments, **named)


def model_cache(bound: int | None = None, free: int = ENDLESS) -> tuple[ModelCache, Counted]:
    loader = Counted()
    device = Device.choose(engine_settings())
    return ModelCache(device, loader, WarmModels(bound, lambda: free)), loader


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, folders: dict[str, Path]) -> list[Model]:
    kinds = ("epsilon", "v_prediction", "distilled")
    return [model(folders[kind], kind) for kind in kinds]


def had(model_cache: ModelCache, wanted: Model) -> tuple[LoadedModel, list[float]]:
    seconds: list[float] = []
    return model_cache.have(wanted, seconds.append), seconds


def test_the_model_in_use_is_there_at_once(three: list[Model]) -> None:
    at_hand, loader = model_cache()
    first, seconds = had(at_hand, three[0])
    again, none = had(at_hand, three[0])
    assert again is first
    assert (len(seconds), none, loader.loads) == (1, [], ["epsilon"])


def test_going_back_to_a_model_loads_nothing(three: list[Model]) -> None:
    at_hand, loader = model_cache()
    first = [had(at_hand, each)[0] for each in three]
    assert [had(at_hand, each)[0] for each in three] == first
    assert len(loader.loads) == 3


def test_those_used_longest_ago_make_room(three: list[Model]) -> None:
    at_hand, loader = model_cache()
    one, two, three_ = three
    size = had(at_hand, one)[0].parts.nbytes
    at_hand, loader = model_cache(bound=int(1.5 * size))
    for each in (one, two, three_):
        had(at_hand, each)
    had(at_hand, two)
    assert loader.loads == [one.name, two.name, three_.name]
    had(at_hand, one)
    assert loader.loads[3:] == [one.name]


def test_without_room_in_ram_only_the_model_in_use_is_kept(three: list[Model]) -> None:
    at_hand, loader = model_cache(free=0)
    for each in (three[0], three[1], three[0]):
        had(at_hand, each)
    assert loader.loads == ["epsilon", "v_prediction", "epsilon"]


def test_a_model_that_is_changed_in_the_settings_is_another_one(three: list[Model]) -> None:
    at_hand, loader = model_cache()
    had(at_hand, three[0])
    had(at_hand, replace(three[0], dtype="bfloat16"))
    assert loader.loads == ["epsilon", "epsilon"]


def test_a_switch_that_fails_leaves_the_old_model_as_good_as_ever(
    three: list[Model], tmp_path: Path
) -> None:
    at_hand, loader = model_cache()
    first, _ = had(at_hand, three[0])
    with pytest.raises(ModelUnavailable, match="“gone” couldn't be loaded"):
        had(at_hand, model(tmp_path / "gone", "gone"))
    assert had(at_hand, three[0])[0] is first
    assert loader.loads == ["epsilon", "gone"]


def test_the_next_model_is_loaded_beside_the_work(three: list[Model]) -> None:
    at_hand, loader = model_cache()
    had(at_hand, three[0])
    at_hand.expect(three[1])
    at_hand.expect(three[1])
    had(at_hand, three[1])
    assert loader.loads == ["epsilon", "v_prediction"]
    assert loader.threads[1] == "load v_prediction"


def test_a_model_that_is_expected_but_not_wanted_waits_on_the_shelf(three: list[Model]) -> None:
    at_hand, loader = model_cache()
    at_hand.expect(three[0])
    had(at_hand, three[1])
    had(at_hand, three[0])
    assert sorted(loader.loads) == ["epsilon", "v_prediction"]


def test_what_breaks_beside_the_work_is_told_when_its_turn_comes(
    three: list[Model], tmp_path: Path
) -> None:
    at_hand, _ = model_cache()
    had(at_hand, three[0])
    gone = model(tmp_path / "gone", "gone")
    at_hand.expect(gone)
    assert had(at_hand, three[0])[1] == []
    with pytest.raises(ModelUnavailable):
        had(at_hand, gone)


def test_a_model_that_is_removed_is_forgotten_wherever_it_is(three: list[Model]) -> None:
    at_hand, loader = model_cache()
    had(at_hand, three[0])
    had(at_hand, three[1])
    at_hand.forget("epsilon")
    at_hand.forget("v_prediction")
    assert at_hand.loaded is None
    had(at_hand, three[0])
    assert loader.loads == ["epsilon", "v_prediction", "epsilon"]


@pytest.mark.slow
def test_fifty_switches_between_three_models_free_what_they_took(three: list[Model]) -> None:
    """With no room on the shelf each switch is a whole load, and a whole letting go."""
    at_hand, _ = model_cache(bound=0)
    process = psutil.Process()
    for each in three * 2:
        had(at_hand, each)
    gc.collect()
    before = process.memory_info().rss
    for i in range(50):
        had(at_hand, three[i % 3])
    gc.collect()
    assert process.memory_info().rss < 1.05 * before


def test_a_model_that_is_removed_on_its_way_is_not_waited_for(three: list[Model]) -> None:
    at_hand, loader = model_cache()
    loader.go.clear()
    at_hand.expect(three[0])
    at_hand.forget("epsilon")
    loader.go.set()
    had(at_hand, three[0])
    assert loader.loads == ["epsilon", "epsilon"]


def test_room_is_made_before_the_plan_is_chosen(
    three: list[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else models on the shelf would count as RAM that is not there."""
    order: list[str] = []
    loader = Counted()

    def chosen(case: PlanRequest) -> Choice:
        order.append("plan")
        return choose(case)

    monkeypatch.setattr(memory_module, "choose", chosen)
    loader.load(three[0], lambda nbytes: order.append("room"))
    assert order == ["room", "plan"]


def test_what_was_learned_is_known_at_the_next_load(three: list[Model]) -> None:
    profiles = ProfileStore()
    settings = engine_settings()
    device = Device.choose(settings)
    loader = ModelLoader(
        settings, device, profiles, profiles.add, AdapterCatalogue(), TextualInversions()
    )
    first = loader.load(three[0], lambda nbytes: None)
    first.memory.give_up(Stage.STEP, 4)
    second = loader.load(three[0], lambda nbytes: None)
    assert second.memory.plan.batch < 4
