"""Which settings count at once when the file is read again, and which take a restart."""

from collections.abc import Mapping

ENTRIES = "*"
"""Stands for the entries of a section like `[models.NAME]`."""

LIVE: Mapping[str, frozenset[str]] = {
    "discord": frozenset(
        {"admin_roles", "personal_training", "unsafe_pictures", "unsafe_may_be_shown"}
    ),
    "storage": frozenset({"keep_days", "keep_gb", "uploads_gb", "metadata"}),
    "log": frozenset({"level"}),
    "limits": frozenset({"pictures_per_hour", "waiting_jobs", "queue_size", "roles"}),
    "safety": frozenset({"classifier", "labels", "threshold"}),
    "engine": frozenset({"default_model", "draft_model", "patience", "grace"}),
    "models": frozenset({ENTRIES}),
    "adapters": frozenset({ENTRIES}),
    "upscalers": frozenset({ENTRIES}),
    "background": frozenset({"model", "labels"}),
    "training": frozenset({"idle_minutes", "hours", "max_steps", "per_month", "command"}),
}
"""What counts at once, by section."""

RESTART: Mapping[str, frozenset[str]] = {
    # The connection, and which commands Discord is told about at the start.
    "discord": frozenset(
        {"token", "api_url", "proxy", "sync_guilds", "personal_use", "conversation"}
    ),
    # Open files.
    "storage": frozenset({"path"}),
    "log": frozenset({"format", "file"}),
    # The devices' processes and the time estimates are made from these; so are the hubs' clients.
    "engine": frozenset(
        {
            *("device", "offload", "quantize", "quantize_text_encoder", "vae_tiling"),
            *("reserve_gb", "memory_gb", "models_in_ram_gb", "speed", "allow_pickle"),
            *("hub_token", "hub_url", "civitai_token", "civitai_url"),
            *("batch_size", "previews"),
        }
    ),
    "ip_adapters": frozenset({ENTRIES}),
    "controls": frozenset({ENTRIES}),
    # The page's server.
    "web": frozenset({"listen", "token"}),
    # The line to workers on other machines, and what `bot.py worker` is started with.
    "cluster": frozenset({"listen", "address", "url"}),
    "worker": frozenset({"pause_when", "cache_gb"}),
    # Processes that may be at work on somebody's picture.
    "describe": frozenset({"model", "threads"}),
    "prompts": frozenset({"model", "threads"}),
    "maps": frozenset({"depth_model", "pose_model", "person_model"}),
    "training": frozenset({"enabled"}),
}
"""What takes a restart, by section, and why."""
