"""What is measured: in a piece of music (`sound`), in a picture (`pictures`), between two sounds (`pairs`) and between sets (`sets`).

Each quantity is defined here once, and calibration, the node Score Music, `look` and the report of an evaluation use that
definition. `docs/EVALUATION.md` says how well each agrees with known sounds and with other implementations.
"""
