"""What one model says of many sentences, and why: computed once, kept as Parquet, held against another model's."""

from interp.records.data import SCHEMA, About, Explained, Record, Wanted, incomparable
from interp.records.making import make
from interp.records.store import Records, load

__all__ = ["SCHEMA", "About", "Explained", "Record", "Records", "Wanted", "incomparable", "load", "make"]
