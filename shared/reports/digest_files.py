"""A digest as files: what lies in the archive, what a mail carries, what `lamplighter digest --out` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shared.costs.record import record
from shared.model.digest import Digest
from shared.reports import digest_card, digest_chart, digest_csv, digest_html, digest_slack, digest_text
from shared.reports import digest_workbook as workbooks

HTML, TEXT, BRIEF, DATA, WORKBOOK = "digest.html", "digest.txt", "brief.txt", "data.csv", "digest.xlsx"
BRIEF_MOST = 3_500
"""Characters; the tightest of the common channels takes 4,096."""
CARD, BLOCKS, RECORD = "teams-card.json", "slack-blocks.json", "record.json"

_MEDIA = {
    "html": "text/html; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "xlsx": workbooks.MEDIA,
    "json": "application/json",
    "png": "image/png",
}


def files(digest: Digest) -> Mapping[str, bytes]:
    """Name -> content, everything that there is of it."""
    made = {
        HTML: digest_html.html(digest).encode(),
        TEXT: digest_text.text(digest).encode(),
        BRIEF: digest_text.brief(digest, BRIEF_MOST).encode(),
        DATA: digest_csv.data(digest).encode(),
        WORKBOOK: workbooks.workbook(digest),
        CARD: _json(digest_card.message(digest)),
        BLOCKS: _json({"blocks": digest_slack.blocks(digest)}),
        RECORD: _json(record(digest)),
    }
    return made | charts(digest)


def charts(digest: Digest) -> dict[str, bytes]:
    """The pictures that the mail shows, by the name it calls them."""
    return {
        digest_html.chart_name(one): digest_chart.picture(digest_chart.weeks(one))
        for one in digest.figures
        if len(one.weeks) > 1
    }


def media(name: str) -> str:
    """Its Content-Type.

    >>> media("weeks-eur.png")
    'image/png'
    """
    return _MEDIA[name.rpartition(".")[2]]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
