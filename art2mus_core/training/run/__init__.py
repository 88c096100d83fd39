"""The folder of a run: states, documents, and what is exported of it."""
