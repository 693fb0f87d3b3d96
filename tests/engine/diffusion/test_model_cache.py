"""Models in memory: going back to one is a transfer, a failed switch costs nothing."""

import gc
import threading
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.devices.executor_setup import ExecutorSetup
from engine.diffusion import Device
from engine.diffusion import model_memory as memory_module
from engine.diffusion.loader import LoadedModel, ModelLoader, NoRoomToPreload
from engine.diffusion.model_cache import ModelCache
from engine.errors import ModelUnavailable
from engine.memory.measurement import Measurement
from engine.memory.plan import Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.planner import Choice, choose
from engine.models.model import Model
from tests.engine.builders import engine_settings, model

ENDLESS = 2**60


class Counted(ModelLoader):
    """A loader that counts, and that may be held up."""

    def __init__(self) -> None:
        settings = engine_settings()
        self.measured: list[Measurement] = []
        super().__init__(
            ExecutorSetup(settings=settings), Device.choose(settings), self.measured.append
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


def model_cache(max_bytes: int | None = None, free: int = ENDLESS) -> tuple[ModelCache, Counted]:
    class Cache(ModelCache):
        def _free_ram(self) -> int:
            return free

    loader = Counted()
    return Cache(Device.choose(engine_settings()), loader, max_bytes), loader


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, folders: dict[str, Path]) -> list[Model]:
    kinds = ("epsilon", "v_prediction", "distilled")
    return [model(folders[kind], kind) for kind in kinds]


def test_the_model_in_use_is_there_at_once(three: list[Model]) -> None:
    cache, loader = model_cache()
    first = cache.get(three[0])
    assert cache.get(three[0]) is first
    assert [one.stage for one in loader.measured] == [Stage.LOAD]
    assert loader.loads == ["epsilon"]


def test_going_back_to_a_model_loads_nothing(three: list[Model]) -> None:
    cache, loader = model_cache()
    first = [cache.get(each) for each in three]
    assert [cache.get(each) for each in three] == first
    assert len(loader.loads) == 3


def test_those_used_longest_ago_make_room(three: list[Model]) -> None:
    cache, loader = model_cache()
    one, two, three_ = three
    size = cache.get(one).components.nbytes
    cache, loader = model_cache(max_bytes=int(1.5 * size))
    for each in (one, two, three_):
        cache.get(each)
    cache.get(two)
    assert loader.loads == [one.name, two.name, three_.name]
    cache.get(one)
    assert loader.loads[3:] == [one.name]


def test_without_room_in_ram_only_the_model_in_use_is_kept(three: list[Model]) -> None:
    cache, loader = model_cache(free=0)
    for each in (three[0], three[1], three[0]):
        cache.get(each)
    assert loader.loads == ["epsilon", "v_prediction", "epsilon"]


def test_a_model_that_is_changed_in_the_settings_is_another_one(three: list[Model]) -> None:
    cache, loader = model_cache()
    cache.get(three[0])
    cache.get(replace(three[0], dtype="bfloat16"))
    assert loader.loads == ["epsilon", "epsilon"]


def test_a_switch_that_fails_leaves_the_old_model_as_good_as_ever(
    three: list[Model], tmp_path: Path
) -> None:
    cache, loader = model_cache()
    first = cache.get(three[0])
    with pytest.raises(ModelUnavailable, match="“gone” couldn't be loaded"):
        cache.get(model(tmp_path / "gone", "gone"))
    assert cache.get(three[0]) is first
    assert loader.loads == ["epsilon", "gone"]


def test_the_next_model_is_loaded_beside_the_work(three: list[Model]) -> None:
    cache, loader = model_cache()
    cache.get(three[0])
    cache.preload(three[1])
    cache.preload(three[1])
    cache.get(three[1])
    assert loader.loads == ["epsilon", "v_prediction"]
    assert loader.threads[1] == "load v_prediction"


def test_what_the_owner_leaves_no_ram_for_is_not_loaded_beside_the_work(three: list[Model]) -> None:
    """It would be let go again as soon as its turn comes."""
    cache, _ = model_cache(max_bytes=0)
    cache.get(three[0])
    cache.preload(three[1])
    assert cache._preloading is not None
    assert isinstance(cache._preloading[1].exception(20), NoRoomToPreload)


def test_when_ram_runs_out_a_model_that_was_preloaded_goes_too(three: list[Model]) -> None:
    cache, _ = model_cache()
    cache.get(three[0])
    cache.preload(three[1])
    assert cache._preloading is not None
    gone = weakref.ref(cache._preloading[1].result(20))
    assert cache.free_ram()
    assert gone() is None
    assert not cache.free_ram()


def test_a_model_that_is_expected_but_not_wanted_is_kept(three: list[Model]) -> None:
    cache, loader = model_cache()
    cache.preload(three[0])
    cache.get(three[1])
    cache.get(three[0])
    assert sorted(loader.loads) == ["epsilon", "v_prediction"]


def test_what_breaks_beside_the_work_is_told_when_its_turn_comes(
    three: list[Model], tmp_path: Path
) -> None:
    cache, loader = model_cache()
    cache.get(three[0])
    gone = model(tmp_path / "gone", "gone")
    cache.preload(gone)
    cache.get(three[0])
    assert len(loader.measured) == 1, "it was there already"
    with pytest.raises(ModelUnavailable):
        cache.get(gone)


def test_a_model_that_is_removed_is_forgotten_wherever_it_is(three: list[Model]) -> None:
    cache, loader = model_cache()
    cache.get(three[0])
    cache.get(three[1])
    cache.forget("epsilon")
    cache.forget("v_prediction")
    assert cache.loaded is None
    cache.get(three[0])
    assert loader.loads == ["epsilon", "v_prediction", "epsilon"]


@pytest.mark.slow
def test_fifty_switches_between_three_models_free_what_they_took(three: list[Model]) -> None:
    """With no room in the cache each switch is a whole load, and a whole letting go."""
    cache, _ = model_cache(max_bytes=0)
    process = psutil.Process()
    for each in three * 2:
        cache.get(each)
    gc.collect()
    before = process.memory_info().rss
    for i in range(50):
        cache.get(three[i % 3])
    gc.collect()
    assert process.memory_info().rss < 1.05 * before


def test_a_model_that_is_removed_on_its_way_is_not_waited_for(three: list[Model]) -> None:
    cache, loader = model_cache()
    loader.go.clear()
    cache.preload(three[0])
    cache.forget("epsilon")
    loader.go.set()
    cache.get(three[0])
    assert loader.loads == ["epsilon", "epsilon"]


def test_room_is_made_before_the_plan_is_chosen(
    three: list[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else models in the cache would count as RAM that is not there."""
    order: list[str] = []
    loader = Counted()

    def chosen(request: PlanRequest) -> Choice:
        order.append("plan")
        return choose(request)

    monkeypatch.setattr(memory_module, "choose", chosen)
    loader.load(three[0], lambda nbytes: order.append("room"))
    assert order == ["room", "plan"]


def test_what_was_learned_is_known_at_the_next_load(three: list[Model]) -> None:
    settings = engine_settings()
    loader = ModelLoader(ExecutorSetup(settings=settings), Device.choose(settings))
    first = loader.load(three[0], lambda nbytes: None)
    first.memory.fall_back(Stage.STEP, 4)
    second = loader.load(three[0], lambda nbytes: None)
    assert second.memory.plan.batch < 4
