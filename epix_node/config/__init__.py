"""How this node behaves: ``config/epix-node.toml``, and a variable ``EPIX_<SECTION>__<NAME>`` for each setting."""

from epix_node.config.loading import CONFIG_VARIABLE, find_config, load_config
from epix_node.config.settings import DEFAULT_PATH, Config, CoveragePromise, KeyFiles
from epix_node.config.template import default_toml

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_PATH",
    "Config",
    "CoveragePromise",
    "KeyFiles",
    "default_toml",
    "find_config",
    "load_config",
]
