"""Plots: what is drawn where."""

from __future__ import annotations

import pytest

from cli.web.charts import BARS, DAY, HEIGHT, MAX_POINTS, WIDTH, Span, bars, line, nice, span_of

NOW = 1_000_000.0


def test_a_plot_shows_what_there_is_up_to_a_day() -> None:
    assert span_of(NOW, NOW) == Span(NOW - 300, NOW)
    assert span_of(NOW - 7100, NOW) == Span(NOW - 7120, NOW + 80)
    assert span_of(NOW - 9 * DAY, NOW).end - span_of(NOW - 9 * DAY, NOW).begin == DAY


def test_bars_stay_where_they_are_while_time_goes_on() -> None:
    spans = {span_of(NOW - 1000, NOW + second) for second in range(20)}
    assert len(spans) == 1
    for seconds in range(0, int(DAY), 977):
        span = span_of(NOW - seconds, NOW)
        assert span.begin <= NOW - seconds + span.bar_seconds
        assert NOW <= span.end < NOW + span.bar_seconds


@pytest.mark.parametrize(
    ("most", "top"), [(0, 2), (1, 2), (3, 4), (5, 10), (11, 20), (40, 40), (41, 100), (999, 1000)]
)
def test_an_axis_ends_at_a_round_number(most: float, top: float) -> None:
    assert nice(most) == top


def test_amounts_are_summed_up_in_bars() -> None:
    span = Span(NOW - 600, NOW)
    amounts = [(NOW - 9999, 50.0), (NOW - 600, 1.0), (NOW - 599, 2.0), (NOW, 4.0), (NOW + 99, 7.0)]
    found, top = bars(amounts, span)
    assert [bar.amount for bar in found] == [3, 4]
    assert top == 4
    assert found[1].height == HEIGHT
    assert found[1].x + found[1].width <= WIDTH
    assert found[0].end - found[0].begin == pytest.approx(600 / BARS)
    assert bars([], span) == ([], 2)


def test_a_line_is_broken_where_nothing_is_known_and_thinned_where_there_is_much() -> None:
    span = Span(NOW - 6000, NOW)
    points = [(NOW - 6000, 0.0), (NOW - 5990, 5.0), (NOW - 10, 10.0), (NOW, 20.0)]
    drawn = line("cuda:0", points, 10, span)
    assert drawn.path == "M0.0 120.0 L1.0 60.0 M599.0 0.0 L600.0 0.0"
    assert drawn.area.count("Z") == 2
    many = [(NOW - 6000 + number, 1.0) for number in range(6000)]
    drawn = line("cuda:0", many, 10, span)
    assert drawn.path.count("M") == 1
    assert drawn.path.count("L") <= MAX_POINTS + 1
    assert line("cuda:0", [], 10, span).path == ""
