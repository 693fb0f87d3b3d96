"""What `engine` offers to the others."""

import engine
from engine.errors import AtelierError


def test_every_name_of_the_public_face_is_there() -> None:
    assert sorted(engine.__all__) == sorted(set(engine.__all__))
    assert not [name for name in engine.__all__ if not hasattr(engine, name)]


def test_every_error_for_people_is_an_atelier_error() -> None:
    values = {name: getattr(engine, name) for name in engine.__all__}
    errors = [
        name
        for name, value in values.items()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert not [name for name in errors if not issubclass(values[name], AtelierError)]
