"""Tests of the data sets: what is drawn, what is embedded, and every way in which a file can be wrong."""
