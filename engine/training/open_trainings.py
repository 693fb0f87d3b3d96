"""Makes what trainings consist of, connected with the rest of the studio."""

from engine.devices.dispatcher import Dispatcher
from engine.images.decoder import Decoder
from engine.jobs.context_loader import ContextLoader
from engine.memory.profiles import ProfileStore
from engine.models.adapter_manager import AdapterManager
from engine.models.catalogue import Catalogue
from engine.models.probe import ModelProbe
from engine.safety.checker import SafetyChecker
from engine.settings import EngineSettings
from engine.store import TrainingTable
from engine.training.events import TrainingEvents
from engine.training.loras import TrainedLoras
from engine.training.preparation import TrainingPreparation
from engine.training.scheduling import TrainingSchedule
from engine.training.settings import TrainingSettings
from engine.training.trainings import Trainings
from engine.writing.describer import Describer


def make_trainings(
    settings: TrainingSettings,
    engine: EngineSettings,
    table: TrainingTable,
    *,
    models: Catalogue,
    adapters: AdapterManager,
    probe: ModelProbe,
    profiles: ProfileStore,
    dispatcher: Dispatcher,
    contexts: ContextLoader,
    decoder: Decoder,
    safety: SafetyChecker,
    describer: Describer,
) -> Trainings:
    """The trainings of all members; none runs before `Trainings.run`.

    Args:
        settings: What the owner allows.
        engine: How the device is used, and how files are read.
        table: The stored trainings.
        models: Those to train on.
        adapters: Take what is trained.
        probe: Looks into models.
        profiles: What was measured on the device.
        dispatcher: Has pictures painted, and lends a device.
        contexts: Knows the words that scopes block.
        decoder: Decodes the pictures of strangers.
        safety: Looks at them, and at samples.
        describer: Finds captions for them.
    """
    preparation = TrainingPreparation(engine, models, probe, profiles, settings.command)
    loras, events = TrainedLoras(adapters, models, table), TrainingEvents()
    schedule = TrainingSchedule(
        settings, engine.grace, table, events, dispatcher, preparation, loras, safety
    )
    return Trainings(
        settings,
        table,
        events,
        schedule,
        preparation,
        loras,
        contexts,
        decoder,
        safety,
        describer,
    )
