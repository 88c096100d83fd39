"""Pairs between two large sets of embeddings, such as artworks and music: neighbours, hubs, and one-to-one assignment.

Everything works on arrays and has no files or networks. Sets may be too large for a matrix of all similarities: they are compared
in tiles, within a given memory.
"""
