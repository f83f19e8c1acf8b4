"""The policy's text: from the package, or from a blob by identity, fetched again only when it changed."""

from __future__ import annotations

import pytest

from shared.clients.policy_source import PolicyText, read
from shared.errors import Forbidden, InputError, NoReply, NotFound

URL = "https://myaccount.blob.core.windows.net/lamplighter/policy.yaml"


def blob(text: bytes, etag: str = '"1"') -> tuple[int, bytes, dict[str, str]]:
    headers = {
        "ETag": etag,
        "Content-Type": "text/yaml",
        "Content-Length": str(len(text)),
        "Content-Range": f"bytes 0-{len(text) - 1}/{len(text)}",
        "x-ms-blob-type": "BlockBlob",
        "Last-Modified": "Mon, 23 Nov 2026 18:00:00 GMT",
    }
    return 206, text, headers


def test_a_file_is_read_as_it_is(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_bytes("\ufeffversion: 1 # für alle\n".encode())
    assert read(str(path), None) == PolicyText("version: 1 # für alle\n", str(path))


def test_a_missing_file_is_told_with_its_name(tmp_path):
    with pytest.raises(InputError, match=r"no\.yaml can't be read \(No such file or directory\); expected"):
        read(str(tmp_path / "no.yaml"), None)


@pytest.mark.parametrize(
    ("data", "said"), [(b"\xff\xfe", "is not UTF-8 text"), (b"a" * 1_100_000, "is larger than 1024 KiB")]
)
def test_a_file_that_is_no_text_is_refused(tmp_path, data, said):
    path = tmp_path / "policy.yaml"
    path.write_bytes(data)
    with pytest.raises(InputError, match=said):
        read(str(path), None)


def test_a_blob_is_read_by_identity_and_again_only_when_it_changed(cloud, wire, credential):
    wire.say(
        blob(b"version: 1\n"),
        (304, None, {"x-ms-error-code": "ConditionNotMet"}),
        blob(b"version: 1\nmode: act\n", '"2"'),
    )
    first = read(URL, cloud)
    assert first == PolicyText("version: 1\n", URL, '"1"')
    assert read(URL, cloud, first) is first
    assert read(URL, cloud, first) == PolicyText("version: 1\nmode: act\n", URL, '"2"')
    assert [sent.headers.get("If-None-Match") for sent in wire.sent] == [None, '"1"', '"1"']
    assert {sent.url for sent in wire.sent} == {URL}
    assert wire.sent[0].headers["Authorization"] == "Bearer the-token"
    assert set(credential.scopes) == {"https://storage.azure.com/.default"}


def test_a_cached_text_of_another_place_is_not_taken_for_this_one(cloud, wire):
    wire.say(blob(b"version: 1\n"))
    read(URL, cloud, PolicyText("old", "policy.yaml", None))
    assert "If-None-Match" not in wire.sent[0].headers


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (
            (
                403,
                b"<Error><Code>AuthorizationPermissionMismatch</Code></Error>",
                {"x-ms-error-code": "AuthorizationPermissionMismatch"},
            ),
            Forbidden,
        ),
        ((404, b"<Error><Code>BlobNotFound</Code></Error>", {"x-ms-error-code": "BlobNotFound"}), NotFound),
    ],
)
def test_an_unreadable_blob_is_a_sentence(cloud, wire, reply, kind):
    wire.say(reply)
    with pytest.raises(kind, match="reading the policy https://myaccount"):
        read(URL, cloud)


def test_a_blob_that_does_not_answer_is_no_reply(cloud, wire):
    wire.script = lambda _: (503, b"", {"x-ms-error-code": "ServerBusy"})
    with pytest.raises(NoReply, match="reading the policy"):
        read(URL, cloud)
    assert len(wire.sent) == 3


def test_a_blob_needs_azure():
    with pytest.raises(InputError, match="expected a path"):
        read(URL, None)
