"""How many pictures a device paints side by side, which depends on the model."""


class BatchSizes:
    """At most as many as the settings allow; fewer where a model's memory plan has smaller batches.

    Attributes:
        most: What the settings allow.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._planned: dict[str, int] = {}

    def of(self, model: str | None) -> int:
        """Pictures of `model` side by side; of a model that hasn't said, as many as allowed."""
        return self._planned.get(model, self.most) if model else self.most

    def plan(self, model: str, pictures: int) -> None:
        """From now on, `model` is painted with batches of up to `pictures`."""
        self._planned[model] = max(1, min(self.most, pictures))
