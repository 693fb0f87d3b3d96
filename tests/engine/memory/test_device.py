"""What is known of a device."""

from engine.memory.device import CONTEXT_BYTES, LEAST_RESERVE, DeviceFacts, reserve_of


def test_an_imagined_card_leaves_room_for_cuda_and_for_fragmentation() -> None:
    card = DeviceFacts.imagined(8 * 10**9)
    assert card.kind == "cuda"
    assert card.usable_bytes == 8 * 10**9 - CONTEXT_BYTES - 240_000_000
    assert reserve_of(10**9) == LEAST_RESERVE


def test_more_is_left_where_a_desktop_uses_the_card() -> None:
    headless, desktop = reserve_of(8 * 10**9), reserve_of(8 * 10**9, 900_000_000)
    assert headless < desktop < reserve_of(8 * 10**9, windows=True)
    assert reserve_of(24 * 10**9, 900_000_000) == 720_000_000


def test_a_card_smaller_than_its_own_context_has_nothing_to_give() -> None:
    assert DeviceFacts.imagined(10**8).usable_bytes == 0
