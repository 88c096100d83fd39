from __future__ import annotations

import hashlib

from art2mus_core.digests import file_digest, joint_digest


def test_a_digest_is_the_sha256_of_the_content(tmp_path):
    (tmp_path / "a").write_bytes(b"painting")
    assert file_digest(tmp_path / "a") == hashlib.sha256(b"painting").hexdigest()


def test_a_joint_digest_depends_on_every_content_their_order_and_the_start(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"painting")
    second.write_bytes(b"music")
    found = {joint_digest([first, second]), joint_digest([second, first]), joint_digest([first, second], b"1")}
    second.write_bytes(b"musik")
    assert len(found | {joint_digest([first, second]), joint_digest([first]), file_digest(first)}) == 6
