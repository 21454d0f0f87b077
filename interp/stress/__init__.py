"""How taggers hold out when the same sentences are written otherwise: case, noise, and names of other origins."""

from interp.stress.measure import StressPlan, stress_models, write_otherwise
from interp.stress.names import NameList, dump_names, read_names, shipped_names
from interp.stress.result import StressExample, StressResult, VariantChange
from interp.stress.variants import VARIANTS, name_variants, switch_names

__all__ = [
    "VARIANTS",
    "NameList",
    "StressExample",
    "StressPlan",
    "StressResult",
    "VariantChange",
    "dump_names",
    "name_variants",
    "read_names",
    "shipped_names",
    "stress_models",
    "switch_names",
    "write_otherwise",
]
