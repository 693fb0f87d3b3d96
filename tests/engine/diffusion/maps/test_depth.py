"""A depth map is white where a picture is nearest."""

from pathlib import Path

import numpy as np
import pytest

from engine.diffusion.maps import DepthEstimator
from engine.errors import ModelUnavailable
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.tiny.map_readers import depth_estimator


@pytest.mark.parametrize("metric", [False, True])
def test_it_spans_black_to_white_in_the_size_of_the_picture(tmp_path: Path, metric: bool) -> None:
    estimator = DepthEstimator.load(depth_estimator(tmp_path, metric=metric))
    found = estimator.read(photo(96, 64))
    assert (found.mode, found.size) == ("RGB", (96, 64))
    levels = np.asarray(found)
    assert (levels.min(), levels.max()) == (0, 255)


def test_a_model_of_distances_is_turned_around(tmp_path: Path) -> None:
    near = DepthEstimator.load(depth_estimator(tmp_path / "near"))
    far = DepthEstimator(near._model, near._processor)
    far._metric = True
    one, other = (np.asarray(each.read(photo()))[..., 0].ravel() for each in (near, far))
    assert np.corrcoef(one, other)[0, 1] < -0.3


def test_a_folder_without_one_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="couldn't be loaded"):
        DepthEstimator.load(tmp_path)
