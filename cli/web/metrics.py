"""What Prometheus reads: the numbers of the moment, taken when it asks.

Names and units: https://prometheus.io/docs/practices/naming/
"""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from cli.web.access import Refusals
from cli.web.meter import Meter
from cli.web.sampler import Sampler
from cli.web.sources import Sources


class Metrics:
    """A registry of its own: nothing is shared with other parts of the program."""

    def __init__(
        self, registry: CollectorRegistry, sources: Sources, sampler: Sampler, refusals: Refusals
    ) -> None:
        """Take the registry with what a meter counts, and add the numbers of the moment."""
        self._registry = registry
        Meter(registry, sources.studio)
        ProcessCollector(registry=registry)
        registry.register(_Now(sources, sampler, refusals))

    def text(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the format that the header `Accept` asks for, and its media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type


class _Now(Collector):
    """The numbers of the moment; none of them takes longer than a look."""

    def __init__(self, sources: Sources, sampler: Sampler, refusals: Refusals) -> None:
        self._sources, self._sampler, self._refusals = sources, sampler, refusals

    def collect(self) -> Iterable[Metric]:
        """All of them."""
        yield from self._engine()
        yield from self._discord()
        yield _counters(
            "atelier_web_refused",
            "Requests for the owner's page that were refused.",
            "reason",
            self._refusals.counts,
        )

    def _engine(self) -> Iterator[Metric]:
        status = self._sources.studio.status()
        version = {self._sources.version: 1.0}
        yield _gauges("atelier_info", "The program.", "version", version)
        jobs = {"running": status.running, "waiting": status.waiting}
        yield _gauges("atelier_jobs", "Jobs that are painted, and that wait.", "state", jobs)
        memory = self._sampler.memory
        yield _gauges(
            "atelier_device_memory_used_bytes",
            "What all programs have taken of the device's memory.",
            "device",
            {each.name: each.used_bytes for each in memory},
        )
        yield _gauges(
            "atelier_device_memory_total_bytes",
            "All of the device's memory.",
            "device",
            {each.name: each.total_bytes for each in memory},
        )
        yield _gauges(
            "atelier_disk_used_bytes",
            "What files in the data folder take, counted every ten minutes.",
            "folder",
            self._sampler.disk,
        )

    def _discord(self) -> Iterator[Metric]:
        bot = self._sources.bot
        traffic = bot.traffic
        yield GaugeMetricFamily(
            "atelier_discord_connected",
            "Whether Discord's gateway is connected.",
            float(bot.connected),
        )
        if (latency := bot.latency) is not None:
            yield GaugeMetricFamily(
                "atelier_discord_latency_seconds",
                "Between the gateway's heartbeats and its answers.",
                latency,
            )
        yield _counters(
            "atelier_discord_responses",
            "Discord's answers to HTTP requests, by their status.",
            "status",
            traffic.responses,
        )
        yield CounterMetricFamily(
            "atelier_discord_rate_limited",
            "Answers that told to wait (429).",
            traffic.rate_limited,
        )
        yield CounterMetricFamily(
            "atelier_deliveries",
            "Outcomes of jobs and grids that were shown.",
            traffic.deliveries,
        )
        yield _counters(
            "atelier_delivery_failures",
            "Attempts to show an outcome that failed.",
            "reason",
            traffic.delivery_failures,
        )


def _gauges(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _counters(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, about, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
