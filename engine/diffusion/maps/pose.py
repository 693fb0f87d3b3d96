"""Poses by a pose-estimation model of Transformers (ViTPose), drawn as OpenPose draws them.

ViTPose tells the 17 joints of COCO (https://cocodataset.org/#keypoints-2020); OpenPose adds the
neck, between the shoulders, and has limbs of its own colours (Cao et al., “OpenPose”, 2018).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from PIL import Image, ImageDraw
from transformers import AutoModelForObjectDetection, VitPoseForPoseEstimation

from engine.diffusion.vision_models import load_vision_model
from engine.errors import InvalidRequest
from speech import phrase, say

FAILED = phrase("The model for poses couldn't be loaded: {reason}.")

SURE = 0.3
"""The least score of a joint that is drawn, as in ViTPose's own examples."""
PERSON = 0.5
"""The least score of a person that the detector finds."""
PEOPLE = 20
"""The most people that are drawn: those with the best scores."""

NECK = 17
"""The number of the joint that is added."""

LIMBS = (
    *((NECK, 6), (NECK, 5), (6, 8), (8, 10), (5, 7), (7, 9), (NECK, 12), (12, 14), (14, 16)),
    *((NECK, 11), (11, 13), (13, 15), (NECK, 0), (0, 2), (2, 4), (0, 1), (1, 3)),
)
"""Pairs of joints by their numbers in COCO, in OpenPose's order."""
JOINTS = (0, NECK, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
"""The joints in OpenPose's order."""
COLOURS = (
    *((255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0)),
    *((0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255)),
    *((0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85)),
)
"""Of the limbs, darkened, and of the joints, in OpenPose's order."""
DARKENED = 0.6
"""Share of a colour's levels that its limb has."""
THICKNESS = 128
"""A limb's width is the shorter side of the picture divided by this: 4 pixels at 512."""

Joint = tuple[float, float, float]
"""Place in pixels and score."""
Box = tuple[float, float, float, float]
"""Left, top, width and height in pixels."""


class PoseEstimator:
    """Finds the joints of the people in a picture. It belongs to one thread."""

    def __init__(self, pose: tuple[Any, Any], people: tuple[Any, Any] | None = None) -> None:
        """Take models with their processors.

        Args:
            pose: A ViTPose model.
            people: A model for object detection; without one the whole picture is one person.
        """
        self._pose, self._people = pose, people

    @classmethod
    def load(cls, folder: Path, people: Path | None = None) -> Self:
        """Load the models in these folders. Raises `ModelUnavailable`."""
        finds_people = AutoModelForObjectDetection
        detector = load_vision_model(finds_people, people, FAILED) if people else None
        return cls(load_vision_model(VitPoseForPoseEstimation, folder, FAILED), detector)

    @torch.inference_mode()
    def read(self, image: Image.Image) -> Image.Image:
        """The poses, of the picture's size, on black, RGB.

        Raises:
            InvalidRequest: Nobody is in the picture.
        """
        image = image.convert("RGB")
        boxes = self._boxes(image)
        people = self._joints(image, boxes) if boxes else []
        if not any(score >= SURE for joints in people for _, _, score in joints):
            raise InvalidRequest(say("Nobody was found in this picture, so it has no pose."))
        return drawn(people, image.size)

    def _boxes(self, image: Image.Image) -> list[Box]:
        """Where people are."""
        if self._people is None:
            return [(0.0, 0.0, float(image.width), float(image.height))]
        model, processor = self._people
        outputs = model(**processor(images=[image], return_tensors="pt"))
        [found] = processor.post_process_object_detection(
            outputs, threshold=PERSON, target_sizes=[(image.height, image.width)]
        )
        scored = [
            (float(score), [float(number) for number in box])
            for score, label, box in zip(
                found["scores"], found["labels"], found["boxes"], strict=True
            )
            if str(model.config.id2label[int(label)]).casefold() == "person"
        ]
        best = sorted(scored, key=lambda one: -one[0])[:PEOPLE]
        return [(left, top, right - left, low - top) for _, (left, top, right, low) in best]

    def _joints(self, image: Image.Image, boxes: Sequence[Box]) -> list[list[Joint]]:
        """The joints of each person: COCO's, then the neck."""
        model, processor = self._pose
        given = [[list(box) for box in boxes]]
        inputs = processor(images=[image], boxes=given, return_tensors="pt")
        if model.config.backbone_config.num_experts > 1:  # the first is COCO's
            inputs["dataset_index"] = torch.zeros(len(boxes), dtype=torch.long)
        [found] = processor.post_process_pose_estimation(model(**inputs), boxes=given)
        return [_with_neck(person["keypoints"].tolist(), person["scores"]) for person in found]


def _with_neck(places: Sequence[Sequence[float]], scores: Any) -> list[Joint]:
    joints = [
        (x, y, float(score))
        for (x, y), score in zip(places, scores.flatten().tolist(), strict=True)
    ]
    (lx, ly, left), (rx, ry, right) = joints[5], joints[6]
    return [*joints, ((lx + rx) / 2, (ly + ry) / 2, min(left, right))]


def drawn(people: Sequence[Sequence[Joint]], size: tuple[int, int]) -> Image.Image:
    """People as sticks on black, as OpenPose draws them.

    Args:
        people: The joints of each: COCO's 17, then the neck.
        size: Width and height of the picture, pixels.
    """
    canvas = Image.new("RGB", size)
    draw = ImageDraw.Draw(canvas)
    width = max(2, min(size) // THICKNESS)
    for joints in people:
        for (one, other), colour in zip(LIMBS, COLOURS, strict=False):
            if min(joints[one][2], joints[other][2]) >= SURE:
                dark = tuple(round(DARKENED * level) for level in colour)
                draw.line((*joints[one][:2], *joints[other][:2]), dark, width)
        for number, colour in zip(JOINTS, COLOURS, strict=True):
            x, y, score = joints[number]
            if score >= SURE:
                draw.ellipse((x - width, y - width, x + width, y + width), colour)
    return canvas
