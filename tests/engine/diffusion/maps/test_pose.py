"""Poses are drawn as OpenPose draws them."""

from pathlib import Path

import numpy as np
import pytest

from engine.diffusion.maps import PoseEstimator
from engine.diffusion.maps.pose import COLOURS, JOINTS, NECK, drawn
from engine.errors import InvalidRequest
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.tiny.map_readers import pose_estimator


def test_each_joint_that_is_sure_has_its_colour() -> None:
    joints = [(20.0 + 12 * (n % 6), 20.0 + 30 * (n // 6), 1.0) for n in range(18)]
    joints[3] = (5.0, 5.0, 0.1)
    image = drawn([joints], (128, 128))
    for number, colour in zip(JOINTS, COLOURS, strict=True):
        x, y, _ = joints[number]
        expected = (0, 0, 0) if number == 3 else colour
        assert image.getpixel((int(x), int(y))) == expected, number
    assert drawn([], (16, 16)).getbbox() is None
    assert NECK in JOINTS


def test_it_finds_the_joints_of_whoever_is_in_the_picture(tmp_path: Path) -> None:
    estimator = PoseEstimator.load(pose_estimator(tmp_path))
    found = estimator.read(photo(96, 64))
    assert (found.mode, found.size) == ("RGB", (96, 64))
    assert len(np.unique(np.asarray(found).reshape(-1, 3), axis=0)) > 3
    estimator._boxes = lambda image: []  # type: ignore[method-assign]
    with pytest.raises(InvalidRequest, match="Nobody was found"):
        estimator.read(photo())
