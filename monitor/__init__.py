"""The accession monitor: watches news feeds for stories on NATO accession talks."""

__version__ = "0.1.0"
